// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package mount_test

import (
	"io"
	"log" //nolint:depguard // the registry takes no other
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/bench/synth"
)

// startRegistry serves a registry on this computer that every node may pull from, and returns its address.
func (s scene) startRegistry() string {
	s.t.Helper()
	listener, err := new(net.ListenConfig).Listen(s.t.Context(), "tcp", net.JoinHostPort(s.Cluster.Computer(), "0"))
	if err != nil {
		s.t.Fatal(err)
	}
	server := &http.Server{Handler: registry.New(registry.Logger(log.New(io.Discard, "", 0))), ReadHeaderTimeout: time.Minute}
	served := make(chan struct{})
	go func() { defer close(served); _ = server.Serve(listener) }()
	s.t.Cleanup(func() { _ = server.Close(); <-served })
	address := listener.Addr().String()
	if err := s.Cluster.TrustRegistry(address); err != nil {
		s.t.Fatal(err)
	}
	return address
}

// A Prefetch pulls container images along with its model. One that is not there is said, and heals when somebody pushes it.
func TestPrefetch_PullsImagesAlong(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.PutModel(t, "tiny/", synth.Options{Size: 1 << 20, Shard: 1 << 20, Seed: 13})
	s.model("tiny", "tiny/", "")
	reference := s.startRegistry() + "/vllm:v1"
	s.prefetch("with-image", "tiny", `, images: ["`+reference+`"]`)
	c := s.awaitCondition(new(v1alpha1.Prefetch), "with-image", v1alpha1.ReadyCondition, metav1.ConditionFalse, v1alpha1.FailedReason)
	if !strings.Contains(c.Message, reference) {
		t.Errorf("it says %q", c.Message)
	}

	image, err := random.Image(1<<20, 2)
	if err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag(reference, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(tag, image, remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
	s.awaitCondition(new(v1alpha1.Prefetch), "with-image", v1alpha1.ReadyCondition, metav1.ConditionTrue, v1alpha1.CompleteReason)
}
