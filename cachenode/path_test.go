// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cachenode_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hoist-dev/hoist/cachenode"
)

// J1: what a bucket's writer may put into a key.
func hostileKeys() []string {
	keys := []string{
		"", "/", "/etc/passwd", "//a", "a//b", "a/", ".", "..", "../a", "a/..", "a/../b", "a/./b", "./a", "...", "a/.../b",
		"a\\b", "\\\\host\\share", "a\x00b", "\x00", "a\nb", "a\rb", "a\x1b[31mb", "a\x7fb", "\xff", "a/\xc3\x28", "a\u0085b",
		" a", "a ", "a/ b", "a /b", "\u00a0a", ".hoist", ".hoist/manifest.json", ".HOIST/x", ".Hoist/lock",
		"a\u202eb", "a\u200bb", "a\u2066b", "\ufeffa", "a\u00adb", "a\u2028b", "a\u2029b",
		"\u2024\u2024/a", "\u2024\u2024", "\u2025/a", "\u2026", "\uff0e\uff0e/a", "a/\uff0e", "\ufe52\ufe52",
		strings.Repeat("n", 256), "a/" + strings.Repeat("n", 300), strings.Repeat("d/", 512) + "f", strings.Repeat("é", 128),
	}
	for _, up := range []string{"../", "a/../../", "a/b/../../../", "./../", "a/./../../"} {
		keys = append(keys, up+"x", up+"etc/passwd", up)
	}
	return keys
}

func TestCleanKey_RefusesHostileKeys(t *testing.T) {
	t.Parallel()
	for _, key := range hostileKeys() {
		got, err := cachenode.CleanKey(key)
		if !errors.Is(err, cachenode.ErrUnsafe) || got != "" {
			t.Errorf("CleanKey(%q) = %q, %v", key, got, err)
		}
		if err != nil && (strings.ContainsAny(err.Error(), "\n\r\x00\x1b") || len(err.Error()) > 1200) {
			t.Errorf("the error for %q is not fit for a terminal: %q", key, err)
		}
	}
}

func TestCleanKey_KeepsWhatModelsHave(t *testing.T) {
	t.Parallel()
	for _, key := range []string{
		"config.json", "model-00001-of-00030.safetensors", "original/consolidated.00.pth", ".gitattributes", "..a", "a..", "a.b..c", "1_Pooling/config.json",
		"日本語/モデル.gguf", "a b/c d", "weights (1).bin", "a+b=c&d;e,f'g", "%2e%2e/x", "~", "-rf", "CON", "x/.hoist/y", ".hoistery", strings.Repeat("n", 255),
	} {
		if got, err := cachenode.CleanKey(key); err != nil || got != key {
			t.Errorf("CleanKey(%q) = %q, %v", key, got, err)
		}
	}
}

// Whatever CleanKey takes can be made below a directory, and only there.
func FuzzCleanKey(f *testing.F) {
	for _, key := range append(hostileKeys(), "a/b", "..a/b..") {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		clean, err := cachenode.CleanKey(key)
		if err != nil {
			return
		}
		if clean != key || !filepath.IsLocal(clean) || filepath.Clean(clean) != clean {
			t.Fatalf("CleanKey(%q) = %q is not clean", key, clean)
		}
		parent := t.TempDir()
		root, err := os.OpenRoot(filepath.Join(parent, makeDir(t, parent, "in")))
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		if err := errors.Join(root.MkdirAll(filepath.Dir(clean), 0o700), root.WriteFile(clean, nil, 0o600)); err != nil {
			t.Fatalf("CleanKey(%q) can't be made: %v", key, err)
		}
		if _, err := os.Stat(filepath.Join(root.Name(), clean)); err != nil {
			t.Errorf("%q is not where it should be: %v", clean, err)
		}
		if entries, err := os.ReadDir(parent); err != nil || len(entries) != 1 {
			t.Errorf("%q left its directory: %v, %v", clean, entries, err)
		}
	})
}

func makeDir(t *testing.T, parent, name string) string {
	t.Helper()
	if err := os.Mkdir(filepath.Join(parent, name), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		t.Fatal(err)
	}
	return name
}
