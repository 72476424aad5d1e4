// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fakegpu_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/hoist-dev/hoist/test/cluster/fakegpu"
)

// The environment variable that makes this test binary another process of the node.
const roleVariable = "FAKEGPU_TEST_ROLE"

func TestMain(m *testing.M) {
	ctx := context.Background()
	switch args := os.Args[1:]; os.Getenv(roleVariable) {
	case "hold":
		os.Exit(exitCode(hold(ctx, args)))
	case "build":
		_, err := fakegpu.BuildLibrary(ctx, args[0])
		os.Exit(exitCode(err))
	case "observe":
		os.Exit(exitCode(observe(args[0], os.Stdin, os.Stdout)))
	default:
		os.Exit(m.Run())
	}
}

func exitCode(err error) int {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// hold takes memory (socket, UUID, bytes), says so with a line, and keeps it until its standard input ends.
func hold(ctx context.Context, args []string) error {
	client, err := fakegpu.Dial(ctx, args[0])
	if err != nil {
		return err
	}
	bytes, err := strconv.ParseInt(args[2], 10, 64)
	if err != nil {
		return err
	}
	if err := client.Alloc(ctx, args[1], bytes); err != nil {
		return err
	}
	fmt.Fprintln(os.Stdout, "held")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// child is another process of the node, which lives no longer than the test.
type child struct {
	*exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func start(t *testing.T, role string, env []string, args ...string) child {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(os.Environ(), append(env, roleVariable+"="+role)...)
	cmd.Stderr = t.Output()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // after t.Context has ended it
	return child{Cmd: cmd, in: in, out: bufio.NewReader(out)}
}
