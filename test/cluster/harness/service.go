// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/hoist-dev/hoist/test/cluster/machine"
)

// errEnded is a service that ended before it answered.
var errEnded = errors.New("it ended")

// run starts a service and waits until it answers. When it ends instead, the error has the last that it wrote.
func run(ctx context.Context, m machine.Machine, service machine.Service, answers func(context.Context) error) error {
	if err := m.Start(ctx, service); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	return Await(ctx, service.Name, func(ctx context.Context) (bool, error) {
		pid, err := m.PID(ctx, service.Name)
		if err == nil && pid == 0 {
			err = fmt.Errorf("%w: %s", errEnded, lastLines(m.Log(service.Name)))
			cancel(err)
		}
		if err != nil {
			return false, err
		}
		return true, answers(ctx)
	})
}

// kill ends a service of the hub at once, and returns when it has ended.
func (c *Cluster) kill(ctx context.Context, service string) error {
	if err := c.state.Hub.Signal(ctx, service, syscall.SIGKILL); err != nil {
		return fmt.Errorf("kill %s: %w", service, err)
	}
	return Await(ctx, service+" to end", func(ctx context.Context) (bool, error) {
		pid, err := c.state.Hub.PID(ctx, service)
		return pid == 0, err
	})
}

// lastLines gives the end of a log: whole lines, or the end of the last one when that is longer than fits.
func lastLines(path string) []byte {
	const limit = 1000 // bytes
	log, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	if log = bytes.TrimSpace(log); len(log) <= limit {
		return log
	}
	log = log[len(log)-limit:]
	if _, lines, found := bytes.Cut(log, []byte("\n")); found {
		return lines
	}
	return log
}
