// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"

	"github.com/hoist-dev/hoist/cachenode/fetch"
)

// meter shows progress until its context ends; a bar then stays as it is.
type meter func(ctx context.Context, read func() fetch.Snapshot)

// start shows progress until stop is called, which shows the end and waits for that.
func (m meter) start(ctx context.Context, read func() fetch.Snapshot) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // an interrupted download has an end, too
	var shown sync.WaitGroup
	shown.Go(func() { m(ctx, read) })
	return func() { cancel(); shown.Wait() }
}

// newMeter picks what suits w: bars on a terminal, JSON lines if asked, plain
// lines elsewhere, nothing if quiet.
func newMeter(w io.Writer, asJSON, quiet bool) meter {
	switch {
	case quiet:
		return func(ctx context.Context, _ func() fetch.Snapshot) { <-ctx.Done() }
	case asJSON:
		return linesEvery(500*time.Millisecond, func(p fetch.Snapshot, speed float64) { writeJSONLine(w, p, speed) })
	case isTerminal(w):
		return func(ctx context.Context, read func() fetch.Snapshot) { bar(ctx, w, read) }
	default:
		return linesEvery(5*time.Second, func(p fetch.Snapshot, speed float64) { writePlainLine(w, p, speed) })
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// bar draws one line: phase, bar, bytes, speed, time left.
func bar(ctx context.Context, w io.Writer, read func() fetch.Snapshot) {
	bars := mpb.New(mpb.WithOutput(w), mpb.WithWidth(40), mpb.WithRefreshRate(100*time.Millisecond))
	var rate fetch.Rate
	speed := func() float64 { return rate.Look(time.Now(), read().Done) } // called by the bars' one goroutine
	line := bars.New(0,
		mpb.BarStyle().Lbound("").Filler("█").Tip("▌").Padding("░").Rbound(""),
		mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return fmt.Sprintf("%-11s", string(read().Phase)) })),
		mpb.AppendDecorators(
			decor.CountersKibiByte("% .1f / % .1f", decor.WCSyncSpace),
			decor.Any(func(decor.Statistics) string { return "  " + paced(read(), speed()) }),
		))
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		p := read()
		line.SetTotal(p.Total, false)
		line.SetCurrent(p.Done)
		select {
		case <-ctx.Done():
			p = read()
			line.SetCurrent(p.Done)
			if p.Total > 0 && p.Done >= p.Total {
				line.SetTotal(p.Total, true)
			} else {
				line.Abort(false)
			}
			bars.Wait()
			return
		case <-tick.C:
		}
	}
}

// linesEvery reports at an interval, with the speed since the last report in
// bytes a second.
func linesEvery(interval time.Duration, report func(p fetch.Snapshot, speed float64)) meter {
	return func(ctx context.Context, read func() fetch.Snapshot) {
		tick := time.NewTicker(interval)
		defer tick.Stop()
		before, at := read().Done, time.Now()
		for {
			select {
			case <-ctx.Done():
				return
			case now := <-tick.C:
				p := read()
				report(p, float64(p.Done-before)/now.Sub(at).Seconds())
				before, at = p.Done, now
			}
		}
	}
}

func writeJSONLine(w io.Writer, p fetch.Snapshot, speed float64) {
	_ = json.NewEncoder(w).Encode(struct {
		Phase            fetch.Phase `json:"phase"`
		Done             int64       `json:"bytesDone"`
		Total            int64       `json:"bytesTotal"`
		BytesPerSecond   int64       `json:"bytesPerSecond"`
		RemainingSeconds int64       `json:"remainingSeconds"` // -1 unknown
	}{p.Phase, p.Done, p.Total, int64(speed), remaining(p, speed)})
}

func writePlainLine(w io.Writer, p fetch.Snapshot, speed float64) {
	_, _ = fmt.Fprintf(w, "%s: %s of %s, %s\n", p.Phase, humanize.IBytes(uint64(p.Done)), humanize.IBytes(uint64(p.Total)), paced(p, speed))
}

// paced is the speed and the time left, for people.
func paced(p fetch.Snapshot, speed float64) string {
	left := "unknown time"
	if s := remaining(p, speed); s >= 0 {
		left = (time.Duration(s) * time.Second).String()
	}
	return fmt.Sprintf("%s/s, %s left", humanize.IBytes(uint64(max(speed, 0))), left)
}

// remaining is the time left in seconds, -1 if it can't be told.
func remaining(p fetch.Snapshot, speed float64) int64 {
	if speed < 1 || p.Total == 0 {
		return -1
	}
	return int64(float64(p.Total-p.Done)/speed + 0.5)
}
