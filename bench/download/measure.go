// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// sample is one run of one tool.
type sample struct {
	wall   time.Duration
	cpu    time.Duration // user and system
	maxRSS int64         // bytes
}

// result is all runs of one tool in one case.
type result struct {
	scene   scene
	tool    tool
	samples []sample
	err     error // why the tool could not be measured
}

// measureCase runs every tool c.runs times against one origin, interleaved: a slow
// minute of the machine falls on all of them.
func measureCase(ctx context.Context, c config, s scene, tools []tool, work string) ([]result, error) {
	origin, err := startOrigin(ctx, s)
	if err != nil {
		return nil, err
	}
	defer origin.close()
	config := filepath.Join(work, "aws-config")
	if err := os.WriteFile(config, []byte(awsConfig), 0o600); err != nil {
		return nil, err
	}
	limit, err := newThrottle(work, s.disk)
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s is left out: %v\n", s.name, err)
		return nil, nil
	}
	defer limit.remove()
	results := entrants(s, tools)
	for n := range c.runs {
		for i := range results {
			r := &results[(i+n)%len(results)] // another order each round
			if r.err != nil {
				continue
			}
			j := origin.job(filepath.Join(work, "target"))
			if err := r.run(r.tool.command(ctx, limit, j, config), j); err != nil {
				return nil, err
			}
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
		}
	}
	return results, nil
}

// entrants are the tools that take part in a case.
func entrants(s scene, tools []tool) []result {
	var results []result
	for _, t := range tools {
		if t.writer == (s.disk > 0) || t.name == hoist {
			results = append(results, result{scene: s, tool: t})
		}
	}
	return results
}

// run adds one sample. Only what keeps the next tool from being measured is an error.
func (r *result) run(cmd *exec.Cmd, j job) error {
	got, err := measure(cmd, j)
	if err == nil && !r.tool.writer {
		err = check(j, r.scene)
	}
	if err := os.RemoveAll(j.dir); err != nil {
		return err
	}
	syscall.Sync() // one tool's dirty pages are not the next one's burden
	if r.err = err; err != nil {
		fmt.Fprintf(os.Stderr, "%s: %s: %v\n", r.scene.name, r.tool.name, err)
		return nil
	}
	r.samples = append(r.samples, got)
	fmt.Fprintf(os.Stderr, "%-28s %-20s run %d: %6.2f s\n", r.scene.name, r.tool.name, len(r.samples), got.wall.Seconds())
	return nil
}

func measure(cmd *exec.Cmd, j job) (sample, error) {
	if err := os.MkdirAll(j.dir, 0o755); err != nil {
		return sample{}, err
	}
	start := time.Now()
	if err := cmd.Run(); err != nil {
		return sample{}, fmt.Errorf("run: %w", err)
	}
	wall := time.Since(start)
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return sample{}, errors.New("no resource usage on this system")
	}
	return sample{wall: wall, cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), maxRSS: usage.Maxrss << 10}, nil
}

// check makes sure that everything arrived: a tool that skips is not fast.
func check(j job, s scene) error {
	var sum int64
	for _, key := range j.keys {
		info, err := os.Stat(filepath.Join(j.dir, filepath.Base(key)))
		if err != nil {
			return err
		}
		sum += info.Size()
	}
	if sum != s.size {
		return fmt.Errorf("%d bytes arrived, want %d", sum, s.size)
	}
	return nil
}
