// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package images_test

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/images"
)

// fakeRuntime is a container runtime with some images. The real one is in test/e2e/mount.
type fakeRuntime struct {
	runtime.UnimplementedImageServiceServer
	has  map[string]bool
	fail error
}

func (r *fakeRuntime) ImageStatus(_ context.Context, q *runtime.ImageStatusRequest) (*runtime.ImageStatusResponse, error) {
	if r.has[q.GetImage().GetImage()] {
		return &runtime.ImageStatusResponse{Image: &runtime.Image{Id: "sha256:1"}}, nil
	}
	return &runtime.ImageStatusResponse{}, nil
}

func (r *fakeRuntime) PullImage(_ context.Context, q *runtime.PullImageRequest) (*runtime.PullImageResponse, error) {
	if r.fail != nil {
		return nil, r.fail
	}
	r.has[q.GetImage().GetImage()] = true
	return &runtime.PullImageResponse{}, nil
}

func open(t *testing.T, r *fakeRuntime) *images.Service {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	runtime.RegisterImageServiceServer(server, r)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	s, err := images.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(); server.Stop(); <-served })
	return s
}

func TestService_PullsWhatIsNotThere(t *testing.T) {
	t.Parallel()
	s := open(t, &fakeRuntime{has: map[string]bool{}})
	for _, want := range []bool{false, true} {
		if present, err := s.Present(t.Context(), "vllm:v1"); err != nil || present != want {
			t.Errorf("present is %v, %v; want %v", present, err, want)
		}
		if err := s.Pull(t.Context(), "vllm:v1"); err != nil {
			t.Error(err)
		}
	}
}

func TestService_FailuresHaveAKindAndNameTheImage(t *testing.T) {
	t.Parallel()
	for code, kind := range map[codes.Code]error{
		codes.NotFound: cachenode.ErrNotFound, codes.Unauthenticated: cachenode.ErrDenied, codes.PermissionDenied: cachenode.ErrDenied,
		codes.InvalidArgument: cachenode.ErrInvalid, codes.Unknown: cachenode.ErrUnavailable,
	} {
		s := open(t, &fakeRuntime{fail: status.Error(code, "no")})
		if err := s.Pull(t.Context(), "vllm:v1"); !errors.Is(err, kind) || !strings.Contains(err.Error(), "vllm:v1") {
			t.Errorf("%v became %v, want %v", code, err, kind)
		}
	}
	gone, err := images.Open(filepath.Join(t.TempDir(), "none"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gone.Present(t.Context(), "vllm:v1"); !errors.Is(err, cachenode.ErrUnavailable) {
		t.Errorf("without a runtime: %v", err)
	}
	_ = gone.Close()
}
