// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package csi

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain puts temporary files into memory where it can: thousands of records are
// written and synced, and what a disk does with that is tested elsewhere.
func TestMain(m *testing.M) {
	const memory = "/dev/shm"
	if info, err := os.Stat(memory); err == nil && info.IsDir() && os.Getenv("TMPDIR") == "" {
		_ = os.Setenv("TMPDIR", memory)
	}
	goleak.VerifyTestMain(m)
}
