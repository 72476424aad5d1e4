// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package versity

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// TB is what Build needs of a testing.TB; the demo, which is no test, imports this
// package too.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
}

// Build builds versitygw from the module tools/s3 and returns the binary's path.
// Where make has built it already, that is a matter of milliseconds.
func Build(tb TB) string {
	tb.Helper()
	bin, err := build()
	if err != nil {
		tb.Fatalf("build versitygw: %v", err)
	}
	return bin
}

func build() (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output() //nolint:noctx // instant
	if err != nil {
		return "", err
	}
	root := filepath.Dir(strings.TrimSpace(string(out)))
	bin := filepath.Join(root, "bin", "tools", "versitygw")
	unlock, err := lock(bin + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	//nolint:noctx // bounded by the test's timeout
	cmd := exec.Command("go", "build", "-C", filepath.Join(root, "tools", "s3"), "-o", bin, "github.com/versity/versitygw/cmd/versitygw")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return bin, nil
}

// lock keeps test packages that run at the same time from building together.
func lock(path string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		return nil, err
	}
	return func() { _ = f.Close() }, nil
}
