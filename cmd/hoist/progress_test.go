// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hoist-dev/hoist/cachenode/fetch"
)

// watched is what a meter writes about a download of 100 MiB at 4 MiB/s, in 12 s.
func watched(t *testing.T, asJSON, quiet bool) (lines []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var out output
		begun := time.Now()
		ctx, stop := context.WithTimeout(t.Context(), 12*time.Second)
		defer stop()
		newMeter(&out, asJSON, quiet)(ctx, func() fetch.Snapshot {
			return fetch.Snapshot{Phase: fetch.Fetching, Total: 100 << 20, Done: int64(time.Since(begun).Seconds() * (4 << 20))}
		})
		lines = strings.SplitAfter(out.String(), "\n")
	})
	if last := len(lines) - 1; lines[last] != "" {
		t.Errorf("the last line has no end: %q", lines[last])
	}
	return lines[:len(lines)-1]
}

func TestMeter_WritesPlainLinesWhereNoTerminalIs(t *testing.T) {
	t.Parallel()
	want := []string{"fetching: 20 MiB of 100 MiB, 4.0 MiB/s, 20s left\n", "fetching: 40 MiB of 100 MiB, 4.0 MiB/s, 15s left\n"}
	if diff := cmp.Diff(want, watched(t, false, false)); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func TestMeter_WritesJSONLines(t *testing.T) {
	t.Parallel()
	lines := watched(t, true, false)
	if len(lines) < 23 {
		t.Fatalf("%d lines in 12 s", len(lines))
	}
	var got struct {
		Phase                                                   string
		BytesDone, BytesTotal, BytesPerSecond, RemainingSeconds int64
	}
	if err := json.Unmarshal([]byte(lines[1]), &got); err != nil {
		t.Fatal(err)
	}
	if got.Phase != "fetching" || got.BytesDone != 4<<20 || got.BytesTotal != 100<<20 || got.BytesPerSecond != 4<<20 || got.RemainingSeconds != 24 {
		t.Errorf("after a second: %+v", got)
	}
}

func TestMeter_QuietIsSilent(t *testing.T) {
	t.Parallel()
	if lines := watched(t, true, true); len(lines) != 0 {
		t.Errorf("%q", lines)
	}
}
