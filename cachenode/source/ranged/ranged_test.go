// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package ranged

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hoist-dev/hoist/cachenode"
)

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-7": 0, "99999999": maxAfter, "nonsense": 0,
		now.Add(9 * time.Second).Format(http.TimeFormat):  9 * time.Second,
		now.Add(-9 * time.Second).Format(http.TimeFormat): 0,
		now.Add(9 * time.Hour).Format(http.TimeFormat):    maxAfter,
	} {
		if got := RetryAfter(value, now); got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
}

// A6: an answer is the range that was asked for, or it is refused.
func TestCheck(t *testing.T) {
	t.Parallel()
	part := cachenode.Range{Off: 10, Len: 5}
	for _, row := range []struct {
		status int
		header string
		r      cachenode.Range
		want   error
	}{
		{206, "bytes 10-14/100", part, nil},
		{200, "", cachenode.Range{Len: 100}, nil},
		{206, "bytes 0-99/100", cachenode.Range{Len: 100}, nil},
		{200, "", part, cachenode.ErrUnavailable},
		{206, "", part, cachenode.ErrUnavailable},
		{206, "bytes 10-14/*", part, cachenode.ErrUnavailable},
		{206, "bytes 11-15/100", part, cachenode.ErrUnavailable},
		{206, "bytes 10-14/101", part, cachenode.ErrChanged},
		{204, "bytes 10-14/100", part, cachenode.ErrUnavailable},
	} {
		if kind, why := Check(row.status, row.header, 100, row.r); !errors.Is(kind, row.want) || (kind == nil) != (why == "") {
			t.Errorf("%d %q for %+v: %v, %q; want %v", row.status, row.header, row.r, kind, why, row.want)
		}
	}
}

func TestBody_EndsWhereTheRangeEnds(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]error{"12345": nil, "1234": cachenode.ErrIncomplete, "123456": cachenode.ErrUnavailable, "": cachenode.ErrIncomplete} {
		body := NewBody(t.Context(), io.NopCloser(strings.NewReader(content)), 5, "get", "s3://b/k")
		got, err := io.ReadAll(body)
		if !errors.Is(err, want) || len(got) > 5 || err != nil && !strings.HasPrefix(err.Error(), "get s3://b/k: ") {
			t.Errorf("%q: %q, %v; want %v", content, got, err, want)
		}
	}
}

func TestClean_KeepsHostileTextOnOneShortLine(t *testing.T) {
	t.Parallel()
	if got := Clean("a\x1b[31m\nb\x00"+strings.Repeat("é", 100), 20); got != "a [31m b ééééé…" {
		t.Errorf("%q", got)
	}
}
