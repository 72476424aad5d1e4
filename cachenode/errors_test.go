// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cachenode_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/hoist-dev/hoist/cachenode"
)

func TestError_IsOneLineThatSaysWhatWhichAndWhatToDo(t *testing.T) {
	t.Parallel()
	cause := errors.New("no such\nthing")
	err := fmt.Errorf("fill: %w", &cachenode.Error{Kind: cachenode.ErrNotFound, Op: "get", Subject: "s3://b/k", Err: cause, Hint: "check the key", After: time.Second})
	if want := "fill: get s3://b/k: not found: no such thing (check the key)"; err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
	if !errors.Is(err, cachenode.ErrNotFound) || !errors.Is(err, cause) || cachenode.RetryAfter(err) != time.Second {
		t.Error("the kind, the cause or the Retry-After is lost")
	}
	if bare := (&cachenode.Error{Kind: cachenode.ErrDisk, Op: "seal"}).Error(); bare != "seal: disk failure" {
		t.Errorf("%q", bare)
	}
}

func TestClassOf_SaysWhatMayBeDoneNext(t *testing.T) {
	t.Parallel()
	for kind, want := range map[error]cachenode.Class{
		nil: cachenode.Permanent, errors.New("who knows"): cachenode.Permanent, context.Canceled: cachenode.Permanent, context.DeadlineExceeded: cachenode.Retryable,
		cachenode.ErrInvalid: cachenode.Permanent, cachenode.ErrNotFound: cachenode.Permanent, cachenode.ErrDenied: cachenode.Permanent,
		cachenode.ErrClockSkew: cachenode.Permanent, cachenode.ErrTLS: cachenode.Permanent, cachenode.ErrUnsafe: cachenode.Permanent,
		cachenode.ErrSealed: cachenode.Permanent, cachenode.ErrInUse: cachenode.Permanent, cachenode.ErrUnsupported: cachenode.Permanent,
		cachenode.ErrChanged:   cachenode.Restart,
		cachenode.ErrNoSpace:   cachenode.Local,
		cachenode.ErrReadOnly:  cachenode.Local,
		cachenode.ErrDisk:      cachenode.Local,
		cachenode.ErrThrottled: cachenode.Throttled, cachenode.ErrUnavailable: cachenode.Retryable, cachenode.ErrExpired: cachenode.Retryable,
		cachenode.ErrIncomplete: cachenode.Retryable, cachenode.ErrCorrupt: cachenode.Retryable,
	} {
		err := kind
		if kind != nil {
			err = fmt.Errorf("deep: %w", &cachenode.Error{Kind: kind, Op: "x"})
		}
		if got := cachenode.ClassOf(err); got != want {
			t.Errorf("ClassOf(%v) = %v, want %v", kind, got, want)
		}
	}
	// A call that was canceled is over, however its failure looks from below.
	if got := cachenode.ClassOf(errors.Join(cachenode.ErrUnavailable, context.Canceled)); got != cachenode.Permanent {
		t.Errorf("canceled: %v", got)
	}
}

func TestKindNamed_IsTheWayBackFromAMessage(t *testing.T) {
	t.Parallel()
	for _, kind := range []error{cachenode.ErrInUse, cachenode.ErrCorrupt, cachenode.ErrSealed, cachenode.ErrExpired} {
		if got := cachenode.KindNamed(kind.Error()); !errors.Is(got, kind) || !errors.Is(cachenode.KindOf(fmt.Errorf("x: %w", kind)), kind) {
			t.Errorf("%v became %v", kind, got)
		}
	}
	if cachenode.KindNamed("") != nil || cachenode.KindOf(errors.New("x")) != nil {
		t.Error("a kind out of nothing")
	}
}

func TestChunks_CoverABlobExactly(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		edges := rapid.SampledFrom([]int64{0, cachenode.ChunkSize, 2 * cachenode.ChunkSize, 3 * cachenode.ChunkSize})
		size := rapid.OneOf(edges, rapid.Int64Range(0, 5*cachenode.ChunkSize)).Draw(t, "size")
		var at int64
		for i := range cachenode.Chunks(size) {
			span := cachenode.ChunkRange(size, i)
			if span.Off != at || span.Len < 1 || span.Len > cachenode.ChunkSize {
				t.Fatalf("chunk %d of %d is %+v, want it at %d", i, size, span, at)
			}
			at = span.End()
		}
		if at != size {
			t.Fatalf("%d bytes of %d are covered", at, size)
		}
		r := cachenode.Range{
			Off: rapid.OneOf(edges, rapid.Int64Range(-9, size+9)).Draw(t, "off"),
			Len: rapid.OneOf(edges, rapid.Int64Range(0, size+9)).Draw(t, "len"),
		}
		first, end := cachenode.ChunksOf(size, r)
		for i := range cachenode.Chunks(size) {
			span := cachenode.ChunkRange(size, i)
			touches := span.Off < r.End() && r.Off < span.End() && r.Len > 0
			if touches != (i >= first && i < end) {
				t.Fatalf("%+v touches chunk %d: %v, ChunksOf() = %d, %d", r, i, touches, first, end)
			}
		}
	})
}

func TestPriority_NamesRoundTrip(t *testing.T) {
	t.Parallel()
	for p := range cachenode.Priority(cachenode.Priorities) {
		if got, err := cachenode.ParsePriority(p.String()); err != nil || got != p {
			t.Errorf("ParsePriority(%q) = %v, %v", p, got, err)
		}
		if cached := p.Placement() == cachenode.Cached; cached != (p >= cachenode.StartingPod) {
			t.Errorf("%v goes through the page cache: %v", p, cached)
		}
	}
	if p, err := cachenode.ParsePriority(""); err != nil || p != cachenode.Bulk {
		t.Errorf("the default is %v, %v", p, err)
	}
	if _, err := cachenode.ParsePriority("urgent"); !errors.Is(err, cachenode.ErrInvalid) || !strings.Contains(err.Error(), "waiting-read") {
		t.Errorf("ParsePriority(urgent) = %v", err)
	}
	if got := cachenode.Priority(9).String(); got != "priority(9)" {
		t.Errorf("%q", got)
	}
}
