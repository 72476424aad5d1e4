// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"errors"
	"io/fs"
	"syscall"

	"github.com/hoist-dev/hoist/cachenode"
)

// wrap maps what the kernel says onto a kind, once: an error that has one already
// passes. os.ErrNotExist stays recognizable.
func wrap(op, path string, err error) error {
	if err == nil || cachenode.KindOf(err) != nil {
		return err
	}
	kind, hint := kindOf(err)
	return &cachenode.Error{Kind: kind, Op: op, Subject: path, Err: cause(err), Hint: hint}
}

func kindOf(err error) (kind error, hint string) {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return cachenode.ErrNoSpace, "free some space, or evict a model"
	case errors.Is(err, syscall.EFBIG):
		return cachenode.ErrNoSpace, "the file system or a ulimit does not allow files this large"
	case errors.Is(err, syscall.EROFS):
		return cachenode.ErrReadOnly, "remount the file system read-write"
	case errors.Is(err, fs.ErrPermission):
		return cachenode.ErrReadOnly, "check who owns it and what they may do"
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return cachenode.ErrDisk, "raise the limit on open files (ulimit -n)"
	case errors.Is(err, syscall.ENAMETOOLONG):
		return cachenode.ErrInvalid, "use a shorter directory"
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.EISDIR), errors.Is(err, syscall.ELOOP):
		return cachenode.ErrInvalid, "something else has this name"
	}
	return cachenode.ErrDisk, ""
}

// cause drops the path that os puts into its errors: ours is the better one.
func cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}
