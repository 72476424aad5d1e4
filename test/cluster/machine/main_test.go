// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hoist-dev/hoist/test/cluster/process"
)

// talkCommand makes this test binary a service that writes down its environment and what signals it gets, until SIGTERM.
const talkCommand = "machine-test-talk"

func TestMain(m *testing.M) {
	switch strings.Join(os.Args[1:2], "") {
	case InitCommand:
		fmt.Fprintln(os.Stderr, Init())
		os.Exit(1)
	case talkCommand:
		talk()
	default:
		os.Exit(m.Run())
	}
}

func talk() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1, syscall.SIGTERM)
	fmt.Fprintln(os.Stdout, "up with", os.Environ())
	for got := range signals {
		fmt.Fprintln(os.Stderr, got)
		if got == syscall.SIGTERM {
			return
		}
	}
}

func self(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// switchOn starts a machine that lives no longer than the test. Its folder's path is longer than the address of a socket may be.
func switchOn(t *testing.T, spec Spec) Machine {
	t.Helper()
	spec.Dir = filepath.Join(t.TempDir(), strings.Repeat("long", 30))
	m, err := Boot(t.Context(), self(t), spec, func(Machine) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.PowerOff(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return m
}

// identify names the process of a service of a machine that is shared.
func identify(t *testing.T, m Machine, service string) process.ID {
	t.Helper()
	pid, err := m.PID(t.Context(), service)
	if err != nil {
		t.Fatal(err)
	}
	id, err := process.Identify(pid)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func awaitEnd(t *testing.T, m Machine, service string) {
	t.Helper()
	await(t, service+" ends", func() bool {
		pid, err := m.PID(t.Context(), service)
		if err != nil {
			t.Fatal(err)
		}
		return pid == 0
	})
}

func awaitLog(t *testing.T, m Machine, service, want string) {
	t.Helper()
	var log []byte
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s has written %q", service, log)
		}
	})
	await(t, fmt.Sprintf("%s writes %q", service, want), func() bool {
		log, _ = os.ReadFile(m.Log(service))
		return string(log) == want
	})
}

// await looks again and again whether it is done.
func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	limit, again := time.After(20*time.Second), time.NewTicker(2*time.Millisecond)
	defer again.Stop()
	for !done() {
		select {
		case <-limit:
			t.Fatalf("waited in vain until %s", what)
		case <-again.C:
		}
	}
}
