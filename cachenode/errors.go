// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cachenode

import (
	"context"
	"errors"
	"strings"
	"time"
)

// The kinds of failure. An adapter maps what its dependency reports onto one of
// these, in one function, and every decision above it (retry, restart, exit code,
// condition reason) is made on the kind alone, never on a message.
var (
	ErrInvalid     = errors.New("invalid")               // malformed URI, manifest or configuration
	ErrUnsupported = errors.New("not supported")         // this build has no source for the scheme, or may not use it
	ErrNotFound    = errors.New("not found")             // no such bucket, key, version, revision
	ErrDenied      = errors.New("access denied")         // credentials missing, wrong or not allowed
	ErrExpired     = errors.New("credentials expired")   // a refresh may help
	ErrClockSkew   = errors.New("clock skew")            // the origin refuses our clock
	ErrTLS         = errors.New("TLS failure")           // certificate not trusted, handshake refused
	ErrUnavailable = errors.New("origin unavailable")    // network failure, 5xx, cut or stalled answer
	ErrThrottled   = errors.New("throttled")             // the origin asks us to slow down
	ErrChanged     = errors.New("changed at the origin") // an answer does not carry the pinned identity
	ErrCorrupt     = errors.New("corrupt")               // bytes differ from their checksum
	ErrUnsafe      = errors.New("refused by policy")     // pickle, lying header, hostile key
	ErrNoSpace     = errors.New("no space")              // disk full, or the cache's budget is
	ErrReadOnly    = errors.New("read-only")             // the file system refuses writes
	ErrDisk        = errors.New("disk failure")          // I/O error, hung device
	ErrInUse       = errors.New("in use")                // another process holds the lock, or a lease does
	ErrIncomplete  = errors.New("incomplete")            // not every byte is present and verified
	ErrSealed      = errors.New("already sealed")        // the blob is complete: nothing to ingest
)

// Error is a failure that a person can act on: what was being done, to which
// thing, why it failed, and what to do about it.
type Error struct {
	Kind    error         // one of the Err values above
	Op      string        // "get", "list", "seal"
	Subject string        // "s3://bucket/key", a path; never a credential
	Hint    string        // what to do, or ""
	After   time.Duration // the origin's Retry-After, 0 if none
	Err     error         // the cause, or nil
}

// Error reads "op subject: kind: cause (hint)", on one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(strings.TrimSpace(e.Op + " " + e.Subject))
	b.WriteString(": ")
	b.WriteString(e.Kind.Error())
	if e.Err != nil {
		b.WriteString(": ")
		b.WriteString(e.Err.Error())
	}
	if e.Hint != "" {
		b.WriteString(" (")
		b.WriteString(e.Hint)
		b.WriteString(")")
	}
	return strings.ReplaceAll(b.String(), "\n", " ")
}

// Unwrap exposes the kind and the cause to errors.Is and errors.As.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// Class says what the caller of a failed operation may do next.
type Class int

// The classes, from "give up" to "try again".
const (
	Permanent Class = iota // the same call fails again: report it
	Restart                // resolve the origin anew: what was pinned is gone
	Local                  // this node's disk is at fault: another attempt here does not help
	Throttled              // try again, later and with less
	Retryable              // try again
)

// ClassOf decides the class of err. An unknown error is Permanent: retrying what
// is not understood hides bugs and hammers origins.
func ClassOf(err error) Class {
	switch {
	case errors.Is(err, context.Canceled):
		return Permanent
	case is(err, ErrInvalid, ErrUnsupported, ErrNotFound, ErrDenied, ErrClockSkew, ErrTLS, ErrUnsafe, ErrSealed, ErrInUse):
		return Permanent
	case is(err, ErrChanged):
		return Restart
	case is(err, ErrNoSpace, ErrReadOnly, ErrDisk):
		return Local
	case is(err, ErrThrottled):
		return Throttled
	case is(err, ErrUnavailable, ErrExpired, ErrIncomplete, ErrCorrupt, context.DeadlineExceeded):
		return Retryable
	}
	return Permanent
}

// KindOf returns the kind that err carries, the most telling one if there are
// several, or nil.
func KindOf(err error) error {
	return firstKind(func(kind error) bool { return errors.Is(err, kind) })
}

// KindNamed is the kind whose message is name, or nil: the way back from a kind
// that went over a wire.
func KindNamed(name string) error {
	return firstKind(func(kind error) bool { return kind.Error() == name })
}

func firstKind(match func(error) bool) error {
	for _, kind := range []error{
		ErrInvalid, ErrUnsupported, ErrNotFound, ErrDenied, ErrExpired, ErrClockSkew, ErrTLS, ErrThrottled, ErrUnavailable,
		ErrChanged, ErrCorrupt, ErrUnsafe, ErrNoSpace, ErrReadOnly, ErrDisk, ErrInUse, ErrIncomplete, ErrSealed,
	} {
		if match(kind) {
			return kind
		}
	}
	return nil
}

// RetryAfter returns how long the origin asked us to wait, 0 if it did not.
func RetryAfter(err error) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.After
	}
	return 0
}

func is(err error, kinds ...error) bool {
	for _, kind := range kinds {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}
