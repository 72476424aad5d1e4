// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"strings"

	"github.com/hoist-dev/hoist/cachenode"
)

// The exit codes. Scripts rely on them: they never change their meaning.
const (
	exitOK          = 0
	exitFailure     = 1   // anything without a code of its own
	exitUsage       = 2   // malformed command line, URI or configuration
	exitInUse       = 3   // another hoist has the directory, or a lease holds the model
	exitNotFound    = 4   // no such bucket, key, version, model or pod
	exitDenied      = 5   // credentials missing, wrong, expired; clock skew
	exitUnavailable = 6   // the origin or the cluster can't be reached, or throttles, or TLS fails
	exitNoSpace     = 7   // disk or cache budget full
	exitDisk        = 8   // read-only, I/O error, hung
	exitCorrupt     = 9   // bytes differ from their checksum, or change all the time
	exitUnsafe      = 10  // refused by policy: pickle, lying header, hostile key
	exitInterrupted = 130 // SIGINT or SIGTERM, as shells have it
)

// exitCode is the code for what a command returned.
func exitCode(err error) int {
	if err == nil {
		return exitOK
	}
	if _, ok := errors.AsType[*usageError](err); ok {
		return exitUsage
	}
	if errors.Is(err, context.Canceled) {
		return exitInterrupted // whatever else it looks like from below
	}
	if code, ok := exitCodes()[cachenode.KindOf(err)]; ok {
		return code
	}
	return exitFailure
}

func exitCodes() map[error]int {
	return map[error]int{
		cachenode.ErrInvalid:     exitUsage,
		cachenode.ErrUnsupported: exitUsage,
		cachenode.ErrInUse:       exitInUse,
		cachenode.ErrNotFound:    exitNotFound,
		cachenode.ErrDenied:      exitDenied,
		cachenode.ErrExpired:     exitDenied,
		cachenode.ErrClockSkew:   exitDenied,
		cachenode.ErrUnavailable: exitUnavailable,
		cachenode.ErrThrottled:   exitUnavailable,
		cachenode.ErrTLS:         exitUnavailable,
		cachenode.ErrNoSpace:     exitNoSpace,
		cachenode.ErrReadOnly:    exitDisk,
		cachenode.ErrDisk:        exitDisk,
		cachenode.ErrCorrupt:     exitCorrupt,
		cachenode.ErrChanged:     exitCorrupt,
		cachenode.ErrIncomplete:  exitCorrupt,
		cachenode.ErrUnsafe:      exitUnsafe,
	}
}

const exitHelp = `Exit codes:
    0  done
    1  another failure
    2  malformed command line, URI or configuration
    3  in use by another hoist, or leased
    4  no such bucket, key, version, model or pod
    5  access denied, credentials missing or expired, clock skew
    6  the origin or the cluster can't be reached, throttles, or TLS fails
    7  no space
    8  the disk is read-only or fails
    9  corrupt, incomplete or changing content
   10  refused by policy: pickle, lying header, hostile key
  130  interrupted`

// usageError is a mistake on the command line, told in one line.
type usageError struct{ err error }

func (e *usageError) Error() string { return strings.Join(strings.Fields(e.err.Error()), " ") }
func (e *usageError) Unwrap() error { return e.err }
