// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package local

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/hoist-dev/hoist/bench/result"
)

// start measures one cold start.
func (b *bench) start(ctx context.Context, s *scenario) (result.Run, error) {
	proof, err := b.prepare(ctx, s)
	if err != nil {
		return result.Run{}, err
	}
	before := b.sent()
	b.pulled = 0
	run := result.Run{Started: time.Now().UTC(), Proof: proof}
	wanted := time.Now()
	dir, at := b.dir(s.folder), wanted
	if s.fetch != nil {
		if err := s.fetch(b, ctx, dir); err != nil {
			return run, errors.Join(err, b.unmount())
		}
		at = time.Now()
		phase := result.Phase{Name: s.phase, Seconds: at.Sub(wanted).Seconds(), Hoist: !s.fresh && s.peer == nil}
		if s.fresh && (s.peer == nil || !s.peer.mounts) {
			phase.Bytes = b.bytes
		}
		run.Phases = append(run.Phases, phase)
	}
	rate, err := b.rate(s)
	if err != nil {
		return run, errors.Join(err, b.unmount())
	}
	phases, answered, err := b.serve(ctx, b.modelOf(s), rate, at)
	if err != nil {
		return run, err
	}
	run.Seconds = answered.Sub(wanted).Seconds()
	run.Phases = append(run.Phases, phases...)
	run.Proof = append(run.Proof, b.fetched(s, max(b.sent()-before, b.pulled)))
	if err := b.unmount(); err != nil {
		return run, err
	}
	if s.fresh {
		return run, os.RemoveAll(dir)
	}
	return run, nil
}

// sent is what the origin that was made has sent so far. Of a Source nobody can tell but who downloads.
func (b *bench) sent() int64 {
	if b.origin == nil {
		return 0
	}
	return b.origin.Bytes()
}

// get runs hoist get to its end.
func (b *bench) get(ctx context.Context, dir string) error {
	cmd := exec.CommandContext(ctx, b.Hoist, "get", "--json", b.source(), dir)
	cmd.Env = b.environment
	out, err := cmd.Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			return fmt.Errorf("hoist get: %w: %s", err, bytes.TrimSpace(exit.Stderr))
		}
		return fmt.Errorf("hoist get: %w", err)
	}
	var summary struct {
		Fetched int64 `json:"bytesFetched"`
	}
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	if err := json.Unmarshal(lines[len(lines)-1], &summary); err != nil {
		return fmt.Errorf("read the summary of hoist get: %w", err)
	}
	b.pulled = summary.Fetched
	return nil
}
