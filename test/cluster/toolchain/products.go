// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package toolchain

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// binary is a program built from a package of the module.
type binary struct {
	name, pkg, tags, ldflags string
	cgo                      bool
}

func (b binary) output() string { return b.name }

func (b binary) recipe() string { return fmt.Sprintf("%+v %s", b, buildFlags) }

// Without DWARF the compiler does a third less work.
const buildFlags = "-gcflags=all=-dwarf=false -buildvcs=false -ldflags=-s -w"

func (b binary) produce(ctx context.Context, source, target string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-C", source, "-o", target, "-tags="+b.tags,
		"-buildvcs=false", "-gcflags=all=-dwarf=false", "-ldflags=-s -w "+b.ldflags, b.pkg)
	cgo := "0"
	if b.cgo {
		cgo = "1"
	}
	cmd.Env = append(os.Environ(), "CGO_ENABLED="+cgo, "GOFLAGS=", "GOWORK=off")
	_, err := run(cmd)
	return err
}

// manifest is a kustomization of a module, rendered with the kubectl that was built before it.
type manifest struct{ name, module, kustomization string }

func (m manifest) output() string { return m.name }

func (m manifest) recipe() string { return fmt.Sprintf("%+v", m) }

func (m manifest) produce(ctx context.Context, source, target string) error {
	list := exec.CommandContext(ctx, "go", "list", "-C", source, "-m", "-f", "{{.Dir}}", m.module)
	dir, err := run(list)
	if err != nil {
		return err
	}
	kube := filepath.Join(filepath.Dir(target), "kube")
	path := filepath.Join(strings.TrimSpace(string(dir)), m.kustomization)
	yaml, err := run(exec.CommandContext(ctx, kube, "kubectl", "kustomize", path))
	if err != nil {
		return err
	}
	return os.WriteFile(target, yaml, 0o600)
}

// file is one file of a module, as it is.
type file struct{ name, module, path string }

func (f file) output() string { return f.name }

func (f file) recipe() string { return fmt.Sprintf("%+v", f) }

func (f file) produce(ctx context.Context, source, target string) error {
	download := exec.CommandContext(ctx, "go", "mod", "download", "-C", source, "-json", f.module)
	download.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	out, failed := download.Output()
	var module struct{ Dir, Error string }
	if err := json.Unmarshal(out, &module); err != nil || failed != nil {
		return fmt.Errorf("download %s: %w: %s", f.module, errors.Join(failed, err), module.Error)
	}
	content, err := os.ReadFile(filepath.Join(module.Dir, f.path))
	if err != nil {
		return err
	}
	return os.WriteFile(target, content, 0o600)
}

// run gives what a command writes to its standard output, and on failure an error with what it wrote to the other.
func run(cmd *exec.Cmd) ([]byte, error) {
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return out, nil
}
