// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package process names processes so that a name outlives whoever started them, and ends them by that name alone.
//
// A PID is given to another process once its own has ended. The time at which a process started, which the kernel counts in
// ticks since boot, tells the two apart; the boot's identity does so across a restart of the machine.
package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// ID names one process of one boot. The zero ID names none.
type ID struct {
	PID   int    `json:"pid"`
	Start uint64 `json:"start"` // ticks since boot, field 22 of /proc/PID/stat (proc_pid_stat(5))
	Boot  string `json:"boot"`  // /proc/sys/kernel/random/boot_id
}

// Identify names the process that has this PID now.
func Identify(pid int) (ID, error) {
	start, err := startTime(pid)
	if err != nil {
		return ID{}, fmt.Errorf("identify process %d: %w", pid, err)
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ID{}, fmt.Errorf("identify this boot: %w", err)
	}
	return ID{PID: pid, Start: start, Boot: strings.TrimSpace(string(boot))}, nil
}

// Alive tells whether the process still runs. A zombie does not.
func (id ID) Alive() bool {
	now, err := Identify(id.PID)
	return err == nil && now == id
}

// Kill ends the process with SIGKILL and waits until it is gone. It is no error when it was gone before.
func (id ID) Kill(ctx context.Context) error {
	if id.PID <= 1 {
		return nil
	}
	// From here on the descriptor is the process, whatever becomes of the number.
	fd, err := unix.PidfdOpen(id.PID, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open process %d: %w", id.PID, err)
	}
	defer unix.Close(fd)
	if !id.Alive() {
		return nil
	}
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("kill process %d: %w", id.PID, err)
	}
	if err := awaitExit(ctx, fd); err != nil {
		return fmt.Errorf("wait for the end of process %d: %w", id.PID, err)
	}
	// Where it is a child of ours, nobody else will reap it. Where it is not, this fails and does nothing.
	_, _ = unix.Wait4(id.PID, nil, unix.WNOHANG, nil)
	return nil
}

// awaitExit returns once the process behind a pidfd has ended; the descriptor is readable from then on.
func awaitExit(ctx context.Context, pidfd int) error {
	const timeout = 100 // milliseconds, after which to look at ctx again
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, timeout)
		switch {
		case n > 0:
			return nil
		case err != nil && !errors.Is(err, unix.EINTR):
			return err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		}
	}
}

var errZombie = errors.New("it has ended")

func startTime(pid int) (uint64, error) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, err
	}
	return parseStat(stat)
}

// parseStat reads the start time out of /proc/PID/stat. The second field is the command's name in parentheses, which may hold
// spaces and parentheses of its own.
func parseStat(stat []byte) (uint64, error) {
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	const state, start = 0, 19 // counted from the third field on
	if len(fields) <= start {
		return 0, fmt.Errorf("stat has %d fields after the name, want more than %d", len(fields), start)
	}
	if fields[state][0] == 'Z' || fields[state][0] == 'X' {
		return 0, errZombie
	}
	return strconv.ParseUint(string(fields[start]), 10, 64)
}
