// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package images pulls container images into the node's container runtime through its CRI socket, so that they are there when a pod
// comes for them (https://github.com/kubernetes/cri-api).
package images

import (
	"context"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/hoist-dev/hoist/cachenode"
)

// Service is a container runtime's image service. Close it.
type Service struct {
	connection *grpc.ClientConn
	client     runtime.ImageServiceClient
}

// Open names the runtime that serves the unix socket at path. It connects with the first call.
func Open(path string) (*Service, error) {
	connection, err := grpc.NewClient("unix://"+path, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, fmt.Errorf("open the container runtime at %s: %w", path, err)
	}
	return &Service{connection, runtime.NewImageServiceClient(connection)}, nil
}

// Close ends the connection.
func (s *Service) Close() error { return s.connection.Close() }

// Present reports whether the runtime has the image.
func (s *Service) Present(ctx context.Context, image string) (bool, error) {
	answer, err := s.client.ImageStatus(ctx, &runtime.ImageStatusRequest{Image: &runtime.ImageSpec{Image: image}})
	if err != nil {
		return false, failure("look for image", image, err)
	}
	return answer.GetImage() != nil, nil
}

// Pull has the runtime pull the image, without credentials of its own: what the runtime is configured with counts.
func (s *Service) Pull(ctx context.Context, image string) error {
	if _, err := s.client.PullImage(ctx, &runtime.PullImageRequest{Image: &runtime.ImageSpec{Image: image}}); err != nil {
		return failure("pull image", image, err)
	}
	return nil
}

// failure gives an answer of the runtime its kind.
func failure(op, image string, err error) error {
	e := &cachenode.Error{Kind: cachenode.ErrUnavailable, Op: op, Subject: image, Err: err}
	switch status.Code(err) {
	case codes.NotFound:
		e.Kind, e.Hint = cachenode.ErrNotFound, "check its name and tag"
	case codes.PermissionDenied, codes.Unauthenticated:
		e.Kind, e.Hint = cachenode.ErrDenied, "images that need a pull secret can't be pulled along"
	case codes.InvalidArgument:
		e.Kind = cachenode.ErrInvalid
	case codes.Canceled:
		return err
	}
	return e
}
