// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package csi

import (
	"context"

	spec "github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc"
)

// Register adds the Identity and the Node service to s, which must have been made with
// [Driver.Intercept]: it answers for panics, and logs.
func (d *Driver) Register(s grpc.ServiceRegistrar) {
	spec.RegisterIdentityServer(s, identity{version: d.options.Version})
	spec.RegisterNodeServer(s, node{driver: d})
}

// node turns calls into those of a Driver.
type node struct {
	spec.UnimplementedNodeServer
	driver *Driver
}

func (n node) NodePublishVolume(ctx context.Context, r *spec.NodePublishVolumeRequest) (*spec.NodePublishVolumeResponse, error) {
	at, claim, err := n.asked(r)
	if err == nil {
		err = n.driver.publish(ctx, claim, at)
	}
	if err != nil {
		return nil, answer(err)
	}
	return &spec.NodePublishVolumeResponse{}, nil
}

func (n node) asked(r *spec.NodePublishVolumeRequest) (target, Claim, error) {
	claim, err := parseClaim(r.GetVolumeId(), r.GetVolumeContext())
	if err != nil {
		return "", Claim{}, err
	}
	at, err := n.driver.pods.parse(r.GetTargetPath())
	if err != nil {
		return "", Claim{}, err
	}
	// Any access mode is served read-only, whether that was asked for or not: the
	// kubelet asks for ReadWriteOnce on behalf of every inline volume.
	if r.GetVolumeCapability().GetMount() == nil {
		return "", Claim{}, invalid("pod", claim.Pod.String(), "only volumes that are mounted are supported, not block devices", "")
	}
	return at, claim, nil
}

func (n node) NodeUnpublishVolume(ctx context.Context, r *spec.NodeUnpublishVolumeRequest) (*spec.NodeUnpublishVolumeResponse, error) {
	at, err := n.driver.pods.parse(r.GetTargetPath())
	if err == nil {
		err = n.driver.unpublish(ctx, r.GetVolumeId(), at)
	}
	if err != nil {
		return nil, answer(err)
	}
	return &spec.NodeUnpublishVolumeResponse{}, nil
}

// NodeGetCapabilities are none: nothing is staged, expanded or measured.
func (node) NodeGetCapabilities(context.Context, *spec.NodeGetCapabilitiesRequest) (*spec.NodeGetCapabilitiesResponse, error) {
	return &spec.NodeGetCapabilitiesResponse{}, nil
}

func (n node) NodeGetInfo(context.Context, *spec.NodeGetInfoRequest) (*spec.NodeGetInfoResponse, error) {
	return &spec.NodeGetInfoResponse{NodeId: n.driver.options.NodeID}, nil
}
