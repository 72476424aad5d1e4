// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/hoist-dev/hoist/cachenode"
)

func openDir(t testing.TB, name string, o DirOptions) *Dir {
	t.Helper()
	d, err := OpenDir(name, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// get fills dir with m in a process of its own, so to speak.
func get(t testing.TB, name string, m model, o DirOptions) error {
	t.Helper()
	d, err := OpenDir(name, o)
	if err != nil {
		return err
	}
	return errors.Join(fill(t.Context(), d, m), d.Close())
}

func TestDir_HoldsTheModelAndNothingElse(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "deep", "model")
	one := newModel("m", map[string]tagged{"a/w": {1, 5000}, "c": {2, 10}, "gone": {5, 10}, "edited": {6, 10}})
	two := newModel("m", map[string]tagged{"a/w": {1, 5000}, "c": {3, 10}, "new/x": {4, 0}})
	if err := get(t, dir, one, DirOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := same(dir, one); err != nil {
		t.Error(err)
	}
	kept, err := os.Stat(filepath.Join(dir, "a", "w"))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"notes": "mine", "edited": "mine now"} {
		if err := errors.Join(os.WriteFile(filepath.Join(dir, name)+"~", []byte(content), 0o600), os.Rename(filepath.Join(dir, name)+"~", filepath.Join(dir, name))); err != nil {
			t.Fatal(err)
		}
	}
	if err := get(t, dir, two, DirOptions{}); err != nil {
		t.Fatal(err)
	}
	two.content["notes"], two.content["edited"] = []byte("mine"), []byte("mine now") // not ours to remove
	if err := same(dir, two); err != nil {
		t.Error(err)
	}
	if again, err := os.Stat(filepath.Join(dir, "a", "w")); err != nil || !os.SameFile(kept, again) {
		t.Errorf("the file that did not change was replaced (%v)", err)
	}
	if m, err := openDir(t, dir, DirOptions{}).Verify(t.Context()); err != nil || m.Revision() != two.Revision() {
		t.Errorf("Verify() = %v, %v", m.Revision(), err)
	}
	for _, leftover := range []string{dirIngest, dirSealed} {
		if _, err := os.Stat(filepath.Join(dir, leftover)); !os.IsNotExist(err) {
			t.Errorf("%s is left over: %v", leftover, err)
		}
	}
}

func TestDir_RefusesToReplaceFilesOfOthers(t *testing.T) {
	t.Parallel()
	dir, m := t.TempDir(), small("m", 1)
	at := filepath.Join(dir, "config.json")
	if err := os.WriteFile(at, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := get(t, dir, m, DirOptions{}); !errors.Is(err, cachenode.ErrInvalid) {
		t.Errorf("a foreign file in the way: %v", err)
	}
	if raw, err := os.ReadFile(at); err != nil || string(raw) != "mine" {
		t.Errorf("it was touched: %q, %v", raw, err)
	}
	if err := errors.Join(get(t, dir, m, DirOptions{Overwrite: true}), same(dir, m)); err != nil {
		t.Error(err)
	}
}

// What has to fail fails before the first byte comes, and before what is there is touched.
func TestDir_RefusesAFileOfOthersWhereAFolderMustBe(t *testing.T) {
	t.Parallel()
	dir, m := t.TempDir(), newModel("m", map[string]tagged{"a/b/w": {1, 10}})
	at := filepath.Join(dir, "a")
	if err := os.WriteFile(at, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, overwrite := range []bool{false, true} {
		d := openDir(t, dir, DirOptions{Overwrite: overwrite})
		if _, err := d.Begin(t.Context(), m.Manifest); !errors.Is(err, cachenode.ErrInvalid) {
			t.Errorf("Begin(), overwrite %v: %v", overwrite, err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if raw, err := os.ReadFile(at); err != nil || string(raw) != "mine" {
		t.Errorf("it was touched: %q, %v", raw, err)
	}
}

func TestDir_IsForOneAtATime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	openDir(t, dir, DirOptions{})
	if _, err := OpenDir(dir, DirOptions{}); !errors.Is(err, cachenode.ErrInUse) {
		t.Errorf("the second OpenDir() = %v", err)
	}
}

func TestDir_BitRotIsFoundAndMendedByTheNextGet(t *testing.T) {
	t.Parallel()
	dir, m := t.TempDir(), small("m", 1)
	if err := get(t, dir, m, DirOptions{}); err != nil {
		t.Fatal(err)
	}
	flip(t, filepath.Join(dir, "config.json"), 7)
	d := openDir(t, dir, DirOptions{})
	if _, err := d.Verify(t.Context()); !errors.Is(err, cachenode.ErrCorrupt) {
		t.Errorf("Verify() = %v", err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(get(t, dir, m, DirOptions{}), same(dir, m)); err != nil {
		t.Errorf("after the next get: %v", err)
	}
	if _, err := openDir(t, dir, DirOptions{}).Verify(t.Context()); err != nil {
		t.Errorf("Verify() of the mended copy = %v", err)
	}
}

// A2: a get that dies at any operation leaves each file whole or absent, and the next
// one finishes the work without calling anything foreign.
func TestDir_DyingAtAnyOperationLeavesFilesWholeOrAbsent(t *testing.T) {
	t.Parallel()
	one := newModel("m", map[string]tagged{"a/w": {1, 5000}, "c": {2, 10}, "gone": {5, 20}})
	two := newModel("m", map[string]tagged{"a/w": {1, 5000}, "c": {3, 10}, "new": {4, 30}})
	for n, hit := 1, true; hit; n++ {
		dir := fastDir(t)
		if err := get(t, dir, one, DirOptions{}); err != nil {
			t.Fatal(err)
		}
		var hook func(Op) error
		hook, met := failAt(n, syscall.EIO, true)
		err := get(t, dir, two, DirOptions{hook: hook})
		hit = met()
		if hit == (err == nil) && n < 5 {
			t.Fatalf("fault %d: met %v, error %v", n, hit, err)
		}
		for _, name := range []string{"a/w", "c", "gone", "new"} {
			raw, err := os.ReadFile(filepath.Join(dir, name))
			if err == nil && !bytes.Equal(raw, one.content[name]) && !bytes.Equal(raw, two.content[name]) {
				t.Errorf("fault %d: %s is neither the old nor the new one", n, name)
			}
		}
		if m, err := readReady(dir); err == nil {
			whole := map[cachenode.Revision]model{one.Revision(): one, two.Revision(): two}[m]
			if err := same(dir, whole); err != nil {
				t.Errorf("fault %d: marked ready: %v", n, err)
			}
		}
		if err := errors.Join(get(t, dir, two, DirOptions{}), same(dir, two)); err != nil {
			t.Errorf("fault %d, on a good disk again: %v", n, err)
		}
	}
}

func readReady(dir string) (cachenode.Revision, error) {
	d, err := OpenDir(dir, DirOptions{})
	if err != nil {
		return "", err
	}
	m, err := d.Manifest()
	return m.Revision(), errors.Join(err, d.Close())
}

func TestDir_TouchedFileIsForeign(t *testing.T) {
	t.Parallel()
	dir, m := t.TempDir(), small("m", 1)
	if err := get(t, dir, m, DirOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(filepath.Join(dir, "config.json"), time.Unix(1, 0), time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if err := get(t, dir, m, DirOptions{}); !errors.Is(err, cachenode.ErrInvalid) {
		t.Errorf("a file that was touched since: %v", err)
	}
}
