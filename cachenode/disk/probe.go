// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"context"
	"errors"
	"time"

	"github.com/hoist-dev/hoist/cachenode"
)

// A disk in trouble is probed once a second, a healthy one once a minute; a probe
// that takes longer than probeTimeout counts as failed, for as long as it hangs.
const (
	probeWhenWell = time.Minute
	probeWhenIll  = time.Second
	probeTimeout  = 30 * time.Second
	probeFile     = ingestDir + "/probe" + partSuffix
)

// Health is how far the disk can be relied on now.
func (s *Store) Health() Health {
	s.healthMu.Lock()
	defer s.healthMu.Unlock()
	return s.health.health
}

// observe counts an error of the disk, and passes it on. s.mu may be held or not:
// the count has its own lock.
func (s *Store) observe(err error) error {
	if errors.Is(err, cachenode.ErrDisk) || errors.Is(err, cachenode.ErrReadOnly) {
		s.reportHealth(healthState.failed)
	}
	return err
}

func (s *Store) reportHealth(next func(healthState, time.Time) healthState) {
	s.healthMu.Lock()
	defer s.healthMu.Unlock()
	before := s.health.health
	s.health = next(s.health, s.options.now())
	if after := s.health.health; after != before {
		s.log.Warn("health of the disk changed", "from", before.String(), "to", after.String(), "root", s.path)
	}
}

// watchHealth probes the disk until ctx ends.
func (s *Store) watchHealth(ctx context.Context) {
	for {
		interval := probeWhenWell
		if s.Health() != Normal {
			interval = probeWhenIll
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(interval):
		}
		s.probeOnce(ctx)
	}
}

// probeOnce runs one probe and reports it. A probe that hangs in the kernel can't be
// ended: it is waited for, and reported as failed again and again meanwhile.
func (s *Store) probeOnce(ctx context.Context) {
	done := make(chan error, 1)
	go func() { done <- s.options.probe(ctx, s.fsys) }()
	for {
		select {
		case <-ctx.Done():
			return
		case err := <-done:
			if err != nil {
				s.reportHealth(healthState.failed)
			} else {
				s.reportHealth(func(h healthState, _ time.Time) healthState { return h.probed() })
			}
			return
		case <-time.After(probeTimeout):
			s.reportHealth(healthState.failed)
		}
	}
}

// probe writes, syncs, reads and removes a block.
func probe(_ context.Context, f *fsys) error {
	err := f.write(probeFile, make([]byte, blockSize), true)
	if err == nil {
		_, err = f.read(probeFile)
	}
	return errors.Join(err, f.remove(probeFile))
}
