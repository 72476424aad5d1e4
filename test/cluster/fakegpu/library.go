// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fakegpu

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed" // the library's source
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// StateVariable is the environment variable that names the state file to a process that loads the library.
const StateVariable = "HOIST_FAKE_GPU_STATE"

// DefaultState is the state file of a process that has no StateVariable.
const DefaultState = "/run/hoist-fake-gpu/state"

const libraryName = "libnvidia-ml.so.1"

//go:embed library/nvml.c
var librarySource string

// BuildLibrary compiles the library into folder dir, which it makes, and returns the file's path. A library of the same
// source that is there already is kept, and a process that has loaded another keeps that. Without a C compiler named cc the
// error is [exec.ErrNotFound].
func BuildLibrary(ctx context.Context, dir string) (string, error) {
	path := filepath.Join(dir, libraryName)
	flags := []string{
		"-shared", "-fPIC", "-std=gnu99", "-O1", "-Wall", "-Wextra", "-Werror", "-Wl,-soname," + libraryName, "-x", "c", "-",
	}
	sum := sha256.Sum256([]byte(strings.Join(flags, " ") + librarySource))
	key := hex.EncodeToString(sum[:])
	if present, err := os.ReadFile(path); err == nil && bytes.Contains(present, []byte(key)) {
		return path, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("build %s: %w", libraryName, err)
	}
	scratch, err := os.MkdirTemp(dir, ".build-*")
	if err != nil {
		return "", fmt.Errorf("build %s: %w", libraryName, err)
	}
	built := filepath.Join(scratch, libraryName)
	err = compile(ctx, append(flags, "-o", built), librarySource+"\nconst char hoist_fake_gpu_source[] = \""+key+"\";\n")
	if err == nil {
		err = os.Rename(built, path)
	}
	if err = errors.Join(err, os.RemoveAll(scratch)); err != nil {
		return "", fmt.Errorf("build %s: %w", libraryName, err)
	}
	return path, nil
}

func compile(ctx context.Context, flags []string, source string) error {
	cc := exec.CommandContext(ctx, "cc", flags...)
	cc.Stdin = strings.NewReader(source)
	said, err := cc.CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("install a C compiler (gcc): %w", err)
	}
	if err != nil {
		return fmt.Errorf("compile: %w: %s", err, said)
	}
	return nil
}
