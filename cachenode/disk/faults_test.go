// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"

	"github.com/hoist-dev/hoist/cachenode"
)

// failAt makes the n-th operation fail, and the ones after it too if for good.
func failAt(n int, errno syscall.Errno, forGood bool) (hook func(Op) error, hit func() bool) {
	count, failed := 0, false
	return func(op Op) error {
		count++
		if count == n || forGood && count > n {
			failed = true
			return errno
		}
		return nil
	}, func() bool { return failed }
}

// scenario is a day in the life of a store: fill, somebody reads, a second revision, evict the first.
func scenario(ctx context.Context, s *Store, one, two model) error {
	if err := fill(ctx, s, one); err != nil {
		return err
	}
	release, err := s.Lease(one.Revision())
	if err != nil {
		return err
	}
	defer release()
	if err := errors.Join(s.SetName("m", one.Revision()), s.Pin(one.Revision(), true)); err != nil {
		return err
	}
	if err := fill(ctx, s, two); err != nil {
		return err
	}
	if err := errors.Join(s.SetName("m", two.Revision()), s.Pin(one.Revision(), false)); err != nil {
		return err
	}
	release()
	return s.Evict(one.Revision())
}

// D1, D4: whichever operation fails, with whatever error, what is listed afterwards is
// whole, the kind of the failure is right, and the store works again when the disk does.
func TestStore_AnErrorAtAnyOperationLosesNothingThatWasPublished(t *testing.T) {
	t.Parallel()
	one := newModel("m", map[string]tagged{"a/w": {1, 5000}, "c": {2, 10}})
	two := newModel("m", map[string]tagged{"a/w": {1, 5000}, "c": {3, 10}})
	kinds := map[syscall.Errno]error{syscall.ENOSPC: cachenode.ErrNoSpace, syscall.EIO: cachenode.ErrDisk, syscall.EROFS: cachenode.ErrReadOnly}
	for errno, kind := range kinds {
		for _, forGood := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v for good %v", errno, forGood), func(t *testing.T) {
				t.Parallel()
				for n, hit := 1, true; hit; n++ {
					hit = runFaulty(t, one, two, n, errno, kind, forGood)
					if n > 2000 {
						t.Fatal("no end")
					}
				}
			})
		}
	}
}

// runFaulty runs the scenario with a fault at operation n and reports whether the
// scenario was long enough to meet it.
func runFaulty(t *testing.T, one, two model, n int, errno syscall.Errno, kind error, forGood bool) bool {
	t.Helper()
	dir := fastDir(t)
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	hook, hit := failAt(n, errno, forGood)
	s.fsys.hook = hook
	err = scenario(t.Context(), s, one, two)
	s.fsys.hook = nil
	if hit() && err != nil && !errors.Is(err, kind) {
		t.Errorf("fault %d: %v, want %v", n, err, kind)
	}
	if !hit() && err != nil {
		t.Errorf("without a fault: %v", err)
	}
	wholeOrAbsent(t, s, n, one, two)
	for _, c := range s.List() {
		if c.Leases != 0 {
			t.Errorf("fault %d: %d leases are left of a copy that nobody reads", n, c.Leases)
		}
	}
	s = reopen(t, s)
	wholeOrAbsent(t, s, n, one, two)
	if err := scenario(t.Context(), s, one, two); err != nil {
		t.Errorf("fault %d, on a good disk again: %v", n, err)
	}
	if err := same(s.Path(two.Revision()), two); err != nil {
		t.Errorf("fault %d, at last: %v", n, err)
	}
	if got := revisions(s); len(got) != 1 || !got[two.Revision()] {
		t.Errorf("fault %d, at last: %v", n, got)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	return hit()
}

func wholeOrAbsent(t *testing.T, s *Store, n int, models ...model) {
	t.Helper()
	listed := revisions(s)
	for _, m := range models {
		if !listed[m.Revision()] {
			continue
		}
		if err := same(s.Path(m.Revision()), m); err != nil {
			t.Errorf("fault %d: listed and not whole: %v", n, err)
		}
	}
}
