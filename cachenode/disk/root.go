// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/hoist-dev/hoist/cachenode"
)

// openRoot opens the directory at path, once: from then on no rename or symbolic
// link in its path leads anywhere else (J2). With create it is made if missing.
func openRoot(path string, create bool, perm fs.FileMode) (*os.Root, error) {
	if create {
		if err := os.MkdirAll(path, perm); err != nil {
			return nil, wrap("create", path, err)
		}
	}
	root, err := os.OpenRoot(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &cachenode.Error{Kind: cachenode.ErrNotFound, Op: "open", Subject: path, Hint: "there is nothing here yet"}
	}
	if err != nil {
		return nil, wrap("open", path, err)
	}
	return root, nil
}

// trusted refuses a root that somebody else could swap or write to.
func trusted(root *os.Root) error {
	info, err := root.Stat(".")
	if err != nil {
		return wrap("open", root.Name(), err)
	}
	parent, err := os.Stat(filepath.Dir(filepath.Clean(root.Name())))
	if err != nil {
		return wrap("open", root.Name(), err)
	}
	owner := info.Sys().(*syscall.Stat_t).Uid //nolint:errcheck,forcetypeassert // Linux
	switch {
	case int(owner) != os.Geteuid():
		return distrust(root, fmt.Sprintf("it belongs to user %d, not to you (%d)", owner, os.Geteuid()), "chown it, or name another root")
	case info.Mode().Perm()&0o022 != 0:
		return distrust(root, "others may write to it", "chmod go-w it")
	case parent.Mode().Perm()&0o002 != 0 && parent.Mode()&fs.ModeSticky == 0:
		return distrust(root, "anybody may rename it: its parent is writable for all", "chmod o-w the parent")
	}
	return nil
}

func distrust(root *os.Root, why, hint string) error {
	return &cachenode.Error{Kind: cachenode.ErrInvalid, Op: "open store", Subject: root.Name(), Err: errors.New(why), Hint: hint}
}

// lock takes the one lock of a store. It goes with the process.
func lock(f *fsys, name string) (*os.File, error) {
	// Not for writing: that would keep the file system from being remounted read-only.
	held, err := f.root.OpenFile(name, os.O_CREATE|os.O_RDONLY|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, wrap("lock", f.root.Name(), err)
	}
	if err := unix.Flock(int(held.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = held.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, &cachenode.Error{Kind: cachenode.ErrInUse, Op: "lock", Subject: f.root.Name(),
				Err: errors.New("another hoist works here"), Hint: "wait for it, or end it"}
		}
		return nil, wrap("lock", f.root.Name(), err)
	}
	return held, nil
}

// unlock gives the lock back. Closing alone would not do while a child of this process
// that has yet to exec holds a copy of the descriptor.
func unlock(held *os.File) error {
	return errors.Join(unix.Flock(int(held.Fd()), unix.LOCK_UN), held.Close())
}
