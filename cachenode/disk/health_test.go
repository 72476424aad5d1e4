// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// D4: three errors, sixty good probes, half an hour.
func TestHealth_TurnsUnstableThenDownAndBack(t *testing.T) {
	t.Parallel()
	start := time.Now()
	var h healthState
	fail := func(after time.Duration, want Health) {
		t.Helper()
		if h = h.failed(start.Add(after)); h.health != want {
			t.Errorf("after %v: %v, want %v", after, h.health, want)
		}
	}
	fail(0, Normal)
	fail(time.Second, Normal)
	h = h.probed() // a good probe forgives what is not in a row
	fail(2*time.Second, Normal)
	fail(3*time.Second, Normal)
	fail(4*time.Second, Unstable)
	fail(29*time.Minute, Unstable)
	fail(31*time.Minute, Down)
	for range goodToNormal - 1 {
		h = h.probed()
	}
	if h.health != Down {
		t.Errorf("%v too early", h.health)
	}
	h = h.failed(start.Add(time.Hour)) // starts the count over
	for n := range goodToNormal {
		if h.health == Normal {
			t.Fatalf("normal after %d good probes", n)
		}
		h = h.probed()
	}
	if h.health != Normal {
		t.Errorf("%v after %d good probes", h.health, goodToNormal)
	}
}

// D4: a disk that hangs in the kernel does not hang the store; it turns unstable,
// then down, and comes back when it answers again.
func TestStore_HungDiskIsNoticed(t *testing.T) {
	t.Parallel()
	dir := privateDir(t)
	synctest.Test(t, func(t *testing.T) {
		stuck := make(chan struct{})
		var hang atomic.Bool
		hang.Store(true)
		s, err := Open(dir, Options{probe: func(ctx context.Context, _ *fsys) error {
			if hang.Load() {
				<-stuck
				return errors.New("that took long")
			}
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}()
		wait := func(d time.Duration, want Health) {
			t.Helper()
			time.Sleep(d) //nolint:forbidigo // fake time
			synctest.Wait()
			if got := s.Health(); got != want {
				t.Errorf("%v, want %v", got, want)
			}
		}
		wait(probeWhenWell+3*probeTimeout, Unstable)
		wait(unstableToDown+2*probeTimeout, Down)
		hang.Store(false)
		close(stuck)
		wait((goodToNormal+3)*probeWhenIll+probeTimeout, Normal)
	})
}
