// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !nojuicefs && (cgo || (nogspt && nosqlite))

package juicefs

import (
	"cmp"
	"context"
	"log/slog"
	"sync"

	"github.com/juicedata/juicefs/pkg/object"

	"github.com/hoist-dev/hoist/cachenode"
)

// Source reads one volume. It connects when it is first used. It is safe for concurrent
// use.
type Source struct {
	config Config
	log    *slog.Logger

	mu      sync.Mutex
	current *volume
}

var _ cachenode.Source = (*Source)(nil)

// New returns a Source. It makes no request.
func New(c Config) *Source {
	return &Source{config: c, log: cmp.Or(c.Logger, slog.New(slog.DiscardHandler))}
}

// use returns the volume, connecting to it if there is no connection. The caller
// releases it.
func (s *Source) use(ctx context.Context) (*volume, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == nil {
		v, err := open(ctx, s.config)
		if err != nil {
			return nil, err
		}
		s.current = v
	}
	s.current.uses++
	return s.current, nil
}

func (s *Source) release(v *volume) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v.uses--
	s.shut(v)
}

// Close ends the connection, once nobody reads any more. A Source that is used again
// makes another.
func (s *Source) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v := s.current; v != nil {
		s.current, v.idle = nil, true
		s.shut(v)
	}
	return nil
}

// shut ends a connection that nobody uses. s.mu is held.
func (s *Source) shut(v *volume) {
	if !v.idle || v.uses > 0 {
		return
	}
	if err := v.meta.Shutdown(); err != nil {
		s.log.Debug("the metadata's connection did not end well", "volume", v.name)
	}
	object.Shutdown(v.store)
}
