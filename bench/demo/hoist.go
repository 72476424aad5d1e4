// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"time"
)

// summary is the last line of hoist get --json.
type summary struct {
	Bytes   int64 `json:"bytes"`
	Fetched int64 `json:"bytesFetched"`
}

// get runs hoist get into dir to its end and times it, process start included.
func (s *story) get(ctx context.Context, dir string) (summary, time.Duration, error) {
	start := time.Now()
	out, err := s.command(ctx, dir).Output()
	took := time.Since(start)
	if err != nil {
		return summary{}, 0, explain(err)
	}
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	var sum summary
	if err := json.Unmarshal(lines[len(lines)-1], &sum); err != nil {
		return summary{}, 0, fmt.Errorf("read the summary of hoist get: %w", err)
	}
	return sum, took, nil
}

// getAndKill starts hoist get, slowed down so that the middle can be hit, and
// kills it (SIGKILL) once a part of the model has arrived. It returns how much.
func (s *story) getAndKill(ctx context.Context, dir string) (int64, error) {
	cmd := s.command(ctx, dir, "--bandwidth", strconv.FormatInt(max(s.Size/4, 1<<20), 10))
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	done := waitFor(stderr, s.Size*2/5)
	_ = cmd.Process.Kill()
	_, _ = io.Copy(io.Discard, stderr)
	if err := cmd.Wait(); err == nil {
		return 0, errors.New("hoist get ended before it could be killed")
	}
	return done, nil
}

func (s *story) command(ctx context.Context, dir string, more ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, s.Hoist, append([]string{"get", "--json", source, dir}, more...)...)
	cmd.Env = s.origin.Environment()
	return cmd
}

// waitFor reads progress lines until want bytes are done or the stream ends.
func waitFor(progress io.Reader, want int64) int64 {
	var line struct {
		Done int64 `json:"bytesDone"`
	}
	lines := bufio.NewScanner(progress)
	for line.Done < want && lines.Scan() {
		_ = json.Unmarshal(lines.Bytes(), &line)
	}
	return line.Done
}

// explain adds what the command printed about its failure.
func explain(err error) error {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && len(exit.Stderr) > 0 {
		return fmt.Errorf("%w: %s", err, bytes.TrimSpace(exit.Stderr))
	}
	return err
}
