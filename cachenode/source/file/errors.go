// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/hoist-dev/hoist/cachenode"
)

const (
	hintLinks = "put the file in place of the link, or leave it out with --exclude"
	hintRead  = "let Hoist's user read it"
	hintPath  = "check the path"
	hintMount = "look at the mount: the file server does not answer, or has given the file away"
)

// fault is the one place where an error of the file system becomes one of Hoist.
func (s *Source) fault(ctx context.Context, op, subject string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s %s: %w", op, subject, context.Cause(ctx))
	}
	if known, ok := errors.AsType[*cachenode.Error](err); ok {
		return known
	}
	e := &cachenode.Error{Op: op, Subject: subject, Err: plain(err)}
	switch {
	case errors.Is(err, cachenode.ErrUnsafe):
		e.Kind, e.Hint = cachenode.ErrUnsafe, hintLinks
	case errors.Is(err, cachenode.ErrChanged):
		e.Kind = cachenode.ErrChanged
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.ENAMETOOLONG):
		e.Kind, e.Hint = cachenode.ErrNotFound, hintPath
	case errors.Is(err, fs.ErrPermission):
		e.Kind, e.Hint = cachenode.ErrDenied, hintRead
	default: // EIO, ESTALE, ETIMEDOUT: a network file system has many ways to be away
		e.Kind, e.Hint = cachenode.ErrUnavailable, hintMount
	}
	return e
}

// gone turns "no such file" into ErrChanged: it was there when it was pinned.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, cachenode.ErrUnsafe) {
		return fmt.Errorf("%w: %w", cachenode.ErrChanged, plain(err))
	}
	return err
}

// escape marks the refusal of os.Root to follow a link out of its folder: it is the one
// failure that the kernel has no number for.
func escape(err error) error {
	refused, ok := errors.AsType[*fs.PathError](err)
	if _, fromKernel := errors.AsType[syscall.Errno](err); ok && !fromKernel && !errors.Is(refused.Err, fs.ErrClosed) {
		return fmt.Errorf("%w: it is a link that leads out of the folder", cachenode.ErrUnsafe)
	}
	if errors.Is(err, syscall.ELOOP) {
		return fmt.Errorf("%w: links that lead in a circle", cachenode.ErrUnsafe)
	}
	return err
}

func irregular(mode fs.FileMode) error {
	what := "no regular file"
	if mode.IsDir() {
		what = "a link to a folder"
	}
	return fmt.Errorf("%w: it is %s", cachenode.ErrUnsafe, what)
}

// plain is err without the path, which the subject has.
func plain(err error) error {
	if failed, ok := errors.AsType[*fs.PathError](err); ok {
		return failed.Err
	}
	return err
}
