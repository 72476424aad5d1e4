// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// DefaultDiskBytes is the size of a node's disk for the cache where nobody asks for another.
const DefaultDiskBytes = 20 << 30

// makeDisk makes an image with an empty ext4. It is sparse, and takes on the computer's disk only what is written to it.
func makeDisk(path string, size int64) error {
	if size == 0 {
		size = DefaultDiskBytes
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	err = errors.Join(file.Truncate(size), file.Close())
	if err != nil {
		return fmt.Errorf("make the disk %s: %w", path, err)
	}
	out, err := exec.Command("mkfs.ext4", "-q", "-F", "-m", "0", "-E", "lazy_itable_init=1,nodiscard", path).CombinedOutput() //nolint:noctx // instant
	if err != nil {
		return fmt.Errorf("make the file system of %s: %w: %s", path, err, out)
	}
	return nil
}

// awaitNoLoop waits until no loop device has a file below dir: the kernel lets go of it when the last mount has gone.
func awaitNoLoop(ctx context.Context, dir string) error {
	return Await(ctx, "the disks in "+dir+" to be let go", func(context.Context) (bool, error) {
		files, err := filepath.Glob("/sys/block/loop*/loop/backing_file")
		if err != nil {
			return false, err
		}
		for _, file := range files {
			backing, err := os.ReadFile(file)
			if err == nil && strings.HasPrefix(string(backing), dir+"/") {
				return false, fmt.Errorf("%s is %s", file, strings.TrimSpace(string(backing)))
			}
		}
		return true, nil
	})
}
