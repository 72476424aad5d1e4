// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fakegpu_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hoist-dev/hoist/test/cluster/fakegpu"
)

// build compiles the library into a folder, or skips the test on a machine without a compiler.
func build(t *testing.T, dir string) string {
	t.Helper()
	path, err := fakegpu.BuildLibrary(t.Context(), dir)
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip("no C compiler: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestBuildLibrary_KeepsTheOneOfTheSameSource(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "lib")
	first, err := os.Stat(build(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	second, err := os.Stat(build(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	if !os.SameFile(first, second) {
		t.Error("compiled again what was there")
	}
}

func TestBuildLibrary_ReplacesAnother(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	stale := []byte("a library of another source")
	if err := os.WriteFile(filepath.Join(dir, "libnvidia-ml.so.1"), stale, 0o600); err != nil {
		t.Fatal(err)
	}
	now, err := os.ReadFile(build(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(now, stale) {
		t.Error("kept the library of another source")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("the folder holds %v, error %v, want the library alone", left, err)
	}
}

func TestBuildLibrary_WithoutACompilerSaysWhatToInstall(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, dir)
	cmd.Env = append(os.Environ(), roleVariable+"=build", "PATH="+dir)
	said, err := cmd.CombinedOutput()
	if want := "install a C compiler (gcc)"; err == nil || !strings.Contains(string(said), want) {
		t.Errorf("want an error that says %q, got %v: %s", want, err, said)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("the folder holds %v, error %v, want nothing", left, err)
	}
}
