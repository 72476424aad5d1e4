// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package csi

import (
	"context"
	"log/slog"

	registration "k8s.io/kubelet/pkg/apis/pluginregistration/v1"
)

// registrar answers the kubelet, which found our socket in its registry.
type registrar struct {
	registration.UnimplementedRegistrationServer
	endpoint string
	log      *slog.Logger
}

func (r registrar) GetInfo(context.Context, *registration.InfoRequest) (*registration.PluginInfo, error) {
	return &registration.PluginInfo{
		Type:     registration.CSIPlugin,
		Name:     DriverName,
		Endpoint: r.endpoint,
		// Of the protocol, not of hoist: the kubelet takes the highest 1.x.
		SupportedVersions: []string{"1.0.0"},
	}, nil
}

func (r registrar) NotifyRegistrationStatus(_ context.Context, s *registration.RegistrationStatus) (*registration.RegistrationStatusResponse, error) {
	if s.GetPluginRegistered() {
		r.log.Info("registered with the kubelet", "driver", DriverName, "socket", r.endpoint)
	} else {
		r.log.Error("the kubelet refused to register the driver: it tries again; if that does not help, compare the socket with the kubelet's --root-dir, read the kubelet's log, and see whether it may write CSINode objects",
			"driver", DriverName, "socket", r.endpoint, "err", s.GetError())
	}
	return &registration.RegistrationStatusResponse{}, nil
}
