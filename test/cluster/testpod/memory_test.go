// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func TestEat_UsesTheMemory(t *testing.T) {
	t.Parallel()
	const mebibytes = 64
	cmd := program(t, "eat", strconv.Itoa(mebibytes))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // after t.Context has ended it, if nobody else has
	await(t, "the memory is used", func() bool {
		statm, _ := os.ReadFile("/proc/" + strconv.Itoa(cmd.Process.Pid) + "/statm")
		fields := strings.Fields(string(statm)) // proc_pid_statm(5): size, resident, ... in pages
		if len(fields) < 2 {
			return false
		}
		resident, err := strconv.Atoi(fields[1])
		return err == nil && resident*os.Getpagesize() >= mebibytes<<20
	})
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("told to end, it says %v", err)
	}
}
