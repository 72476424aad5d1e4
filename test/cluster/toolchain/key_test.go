// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package toolchain

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

const hello = "package main\n\nvar version = \"none\"\n\nfunc main() { println(\"hello\", version) }\n"

// checkout is a module with one program.
func checkout(t *testing.T) module {
	t.Helper()
	source := t.TempDir()
	write(t, source, map[string]string{"go.mod": "module hello\n\ngo 1.26\n", "go.sum": "", "main.go": hello})
	return module{source: source, dir: t.TempDir(), products: []product{binary{name: "hello", pkg: ".", ldflags: "-X main.version=v1"}}}
}

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o750), os.WriteFile(path, []byte(content), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestKey_ChangesWithWhatIsMadeAndWithNothingElse(t *testing.T) {
	t.Parallel()
	key := func(change map[string]string, products ...product) string {
		m := checkout(t)
		write(t, m.source, change)
		if len(products) > 0 {
			m.products = products
		}
		key, err := m.key(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	base := key(nil)
	for name, got := range map[string]string{
		"another folder":            key(nil),
		"a file that is not source": key(map[string]string{"README.md": "read me", "sub/other.go": "package other\n"}),
	} {
		if got != base {
			t.Errorf("%s: key %s, want the same as before, %s", name, got, base)
		}
	}
	seen := map[string]string{base: "nothing"}
	for name, got := range map[string]string{
		"go.mod":       key(map[string]string{"go.mod": "module hello\n\ngo 1.26.1\n"}),
		"go.sum":       key(map[string]string{"go.sum": "example.com/m v1.0.0 h1:x=\n"}),
		"the source":   key(map[string]string{"main.go": hello + "\n"}),
		"another file": key(map[string]string{"more.go": "package main\n"}),
		"ldflags":      key(nil, binary{name: "hello", pkg: ".", ldflags: "-X main.version=v2"}),
		"tags":         key(nil, binary{name: "hello", pkg: ".", ldflags: "-X main.version=v1", tags: "seccomp"}),
		"cgo":          key(nil, binary{name: "hello", pkg: ".", ldflags: "-X main.version=v1", cgo: true}),
		"a manifest":   key(nil, manifest{name: "crds.yaml", module: "example.com/m", kustomization: "config/crd"}),
	} {
		if other, taken := seen[got]; taken {
			t.Errorf("%s has the key of %s", name, other)
		}
		seen[got] = name
	}
}

func TestEnsure_BuildsAProgramThatRuns(t *testing.T) {
	t.Parallel()
	m := checkout(t)
	if err := m.ensure(t.Context(), io.Discard); err != nil {
		t.Fatal(err)
	}
	said, err := exec.CommandContext(t.Context(), filepath.Join(m.dir, "hello")).CombinedOutput()
	if string(said) != "hello v1\n" {
		t.Errorf("it says %q, %v", said, err)
	}
}
