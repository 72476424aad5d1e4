// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// ImageService is the node's container runtime.
type ImageService interface {
	Present(ctx context.Context, image string) (bool, error)
	Pull(ctx context.Context, image string) error
}

// Images has the container runtime hold the images that are wanted: those it has not are pulled, one at a time, and again when the
// kubelet has collected them.
type Images struct {
	Service ImageService // nil is a node whose agent was not given the runtime's socket
	Log     *slog.Logger

	mu     sync.Mutex
	wanted []string
	held   map[string]v1alpha1.HeldImage
	wake   chan struct{}
}

// How soon images are looked at again: all is well, or one failed.
const (
	lookAtImages = 5 * time.Minute
	pullAgain    = 15 * time.Second
)

// NewImages makes Images that want nothing.
func NewImages(service ImageService, log *slog.Logger) *Images {
	return &Images{Service: service, Log: log, held: map[string]v1alpha1.HeldImage{}, wake: make(chan struct{}, 1)}
}

// Want states which images the node holds from now on. What is not wanted any more is left to the kubelet's collection.
func (s *Images) Want(images []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Equal(s.wanted, images) {
		return
	}
	s.wanted = slices.Clone(images)
	select {
	case s.wake <- struct{}{}:
	default: // it is awake already
	}
}

// Status is how far each wanted image is.
func (s *Images) Status() []v1alpha1.HeldImage {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []v1alpha1.HeldImage
	for _, image := range s.wanted {
		held, ok := s.held[image]
		if !ok {
			held = v1alpha1.HeldImage{Image: image, Phase: v1alpha1.PendingPhase}
		}
		all = append(all, held)
	}
	return all
}

// Start pulls until ctx ends. It implements manager.Runnable.
func (s *Images) Start(ctx context.Context) error {
	for {
		again := lookAtImages
		for _, held := range s.Status() {
			if ctx.Err() == nil && !s.hold(ctx, held.Image) {
				again = pullAgain
			}
		}
		timer := time.NewTimer(again)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-s.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// hold makes one image present.
func (s *Images) hold(ctx context.Context, image string) bool {
	if s.Service == nil {
		s.set(v1alpha1.HeldImage{Image: image, Phase: v1alpha1.FailedPhase,
			Message: "the agent was not given the container runtime's socket: set agent.criSocket in the chart"})
		return false
	}
	present, err := s.Service.Present(ctx, image)
	if err == nil && !present {
		s.set(v1alpha1.HeldImage{Image: image, Phase: v1alpha1.FetchingPhase})
		err = s.Service.Pull(ctx, image)
	}
	if err != nil {
		if ctx.Err() == nil {
			s.Log.Warn("image not pulled", "image", image, "err", err)
		}
		s.set(v1alpha1.HeldImage{Image: image, Phase: v1alpha1.FailedPhase, Message: clip(err.Error())})
		return false
	}
	s.set(v1alpha1.HeldImage{Image: image, Phase: v1alpha1.ReadyPhase})
	return true
}

func (s *Images) set(held v1alpha1.HeldImage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held[held.Image] = held
}
