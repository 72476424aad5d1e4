// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// The environment variable that makes this test binary the program itself.
const programVariable = "TESTPOD_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(programVariable) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func program(t *testing.T, arguments ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, arguments...)
	cmd.Env = append(os.Environ(), programVariable+"=1")
	return cmd
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

func TestRun_RefusesWhatItCannotBe(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // what is not refused ends, instead of waiting
	for _, arguments := range []string{
		"sleep", "serve", "serve a b", "probe", "probe http://127.0.0.1:1/ b", "eat", "eat 1 2", "eat much", "eat 0", "eat -1", "eat 2000000",
		"gpu", "gpu socket much", "fuse", "fuse folder", "cat /no/such/file",
	} {
		if err := run(ctx, strings.Fields(arguments)); err == nil {
			t.Errorf("%s: no error", arguments)
		}
	}
	if err := run(ctx, []string{"sleep"}); err == nil || !strings.Contains(err.Error(), "cat, eat, fuse, gpu, pause, probe, serve") {
		t.Errorf("%v, want the roles that there are", err)
	}
}

func TestRun_WaitsUntilItIsToldToEnd(t *testing.T) {
	t.Parallel()
	for _, role := range []string{"", "pause", "eat 1"} {
		synctest.Test(t, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- run(ctx, strings.Fields(role)) }()
			synctest.Wait()
			select {
			case err := <-ended:
				t.Fatalf("%q ended by itself: %v", role, err)
			default:
			}
			stop()
			if err := <-ended; err != nil {
				t.Errorf("told to end, %q says %v", role, err)
			}
		})
	}
}
