// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package toolchain

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

func TestLock_ExcludesAnotherAndWaitsAsLongAsItMay(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	synctest.Test(t, func(t *testing.T) {
		unlock, err := lock(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := lock(ctx, path); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("a second holder: %v, want none for a minute", err)
		}
		second := make(chan error, 1)
		go func() {
			unlock, err := lock(t.Context(), path)
			if err == nil {
				unlock()
			}
			second <- err
		}()
		unlock()
		if err := <-second; err != nil {
			t.Errorf("after the first: %v", err)
		}
	})
}
