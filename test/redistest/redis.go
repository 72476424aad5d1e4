// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package redistest starts Debian's redis-server for a test.
package redistest

import (
	"context"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"
)

// Password is what the server asks for. Tests look for it where no secret may show up.
const Password = "canary-8d21-never-to-be-seen"

// Start starts a server with 64 empty databases on an address of this computer, and returns where it listens. It is gone when the test
// ends. The test is skipped where redis-server is not installed.
func Start(tb testing.TB, host string) (address string) {
	tb.Helper()
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		tb.Skip("redis-server is not installed: apt-get install redis-server")
	}
	probe, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		tb.Fatal(err)
	}
	address = probe.Addr().String()
	_ = probe.Close()
	_, port, _ := net.SplitHostPort(address)
	cmd := exec.CommandContext(context.WithoutCancel(tb.Context()), binary, "--port", port, "--bind", host, "--databases", "64", "--save", "", "--requirepass", Password, "--dir", tb.TempDir())
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	await(tb, address)
	return address
}

func await(tb testing.TB, address string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err == nil {
			_ = conn.Close()
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			tb.Fatalf("redis-server does not listen: %v", err)
		}
	}
}
