// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package file_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hoist-dev/hoist/cachenode/cachetest"
	"github.com/hoist-dev/hoist/cachenode/source/file"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tree is a folder that a test writes.
type tree struct {
	t   *testing.T
	dir string
	age time.Duration
}

func newTree(t *testing.T) *tree {
	t.Helper()
	return &tree{t: t, dir: t.TempDir()}
}

func (tr *tree) at(key string) string { return filepath.Join(tr.dir, filepath.FromSlash(key)) }

// put replaces a file as tools do that care: by another one of the same name.
func (tr *tree) put(key string, content []byte) {
	tr.t.Helper()
	if strings.HasSuffix(key, "/") {
		tr.must(os.MkdirAll(tr.at(key), 0o755))
		return
	}
	tr.must(os.MkdirAll(filepath.Dir(tr.at(key)), 0o755))
	tr.must(os.WriteFile(tr.at(key)+"~new", content, 0o600))
	tr.must(os.Rename(tr.at(key)+"~new", tr.at(key)))
}

// overwrite changes a file in place. It takes care that time has passed: kernels stamp
// files in steps of milliseconds.
func (tr *tree) overwrite(key string, content []byte) {
	tr.t.Helper()
	tr.must(os.WriteFile(tr.at(key), content, 0o600))
	tr.age += time.Second
	stamp := time.Now().Add(tr.age)
	tr.must(os.Chtimes(tr.at(key), stamp, stamp))
}

func (tr *tree) link(target, key string) {
	tr.t.Helper()
	tr.must(os.MkdirAll(filepath.Dir(tr.at(key)), 0o755))
	tr.must(os.Symlink(target, tr.at(key)))
}

func (tr *tree) must(err error) {
	tr.t.Helper()
	if err != nil {
		tr.t.Fatal(err)
	}
}

// holds is what a file system can have as the name of a file: nothing that walks, and no
// element of more than 255 bytes.
func holds(key string) bool {
	for name := range strings.SplitSeq(strings.TrimSuffix(key, "/"), "/") {
		if name == "" || name == "." || name == ".." || len(name) > 200 {
			return false
		}
	}
	return true
}

func TestSource_KeepsTheContract(t *testing.T) {
	t.Parallel()
	cachetest.Source(t, func(t *testing.T) cachetest.SourceFixture {
		t.Helper()
		tr := newTree(t)
		return cachetest.SourceFixture{Source: file.New(), Base: "file://" + tr.dir + "/", Put: tr.put, Holds: holds,
			Remove: func(key string) { tr.must(os.Remove(tr.at(key))) }}
	})
}

func TestVolumes_KeepTheContract(t *testing.T) {
	t.Parallel()
	cachetest.Source(t, func(t *testing.T) cachetest.SourceFixture {
		t.Helper()
		tr := newTree(t)
		return cachetest.SourceFixture{Source: file.NewVolumes(map[string]string{"weights": tr.dir}), Base: "pvc://weights/", Put: tr.put, Holds: holds,
			Remove: func(key string) { tr.must(os.Remove(tr.at(key))) }}
	})
}
