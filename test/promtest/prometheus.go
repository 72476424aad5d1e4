// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package promtest starts Debian's prometheus for a test.
package promtest

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// Start starts one with the configuration dir/prometheus.yml, and with what is in dir/data, if anything, on loopback, and returns the host and port that it
// will answer on as soon as it has read its data, and what ends it sooner than the test does. The test is skipped where prometheus is not installed.
func Start(tb testing.TB, dir string, flags ...string) (address string, stop func()) {
	tb.Helper()
	binary, err := exec.LookPath("prometheus")
	if err != nil {
		tb.Skip("prometheus is not installed: apt-get install prometheus")
	}
	probe, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	address = probe.Addr().String()
	_ = probe.Close()
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	cmd := exec.CommandContext(ctx, binary, append(flags, "--config.file="+filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	if err := cmd.Start(); err != nil {
		cancel()
		tb.Fatal(err)
	}
	stop = sync.OnceFunc(func() { cancel(); _ = cmd.Wait() })
	tb.Cleanup(stop)
	return address, stop
}
