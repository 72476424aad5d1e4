// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo && !nojuicefs && !race

// Not with the race detector: whenever the library opens SQLite it writes a map that is the process's (meta.DirBatchNum, in pkg/meta/sql.go
// of v1.4.0), and tests open many volumes at once.

package juicefs_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hoist-dev/hoist/cachenode/cachetest"
	"github.com/hoist-dev/hoist/cachenode/source/juicefs"
	"github.com/hoist-dev/hoist/test/juicefstest"
	"github.com/hoist-dev/hoist/test/redistest"
)

// volume formats a volume, by default with SQLite and files, and opens a Source for it.
func volume(t *testing.T, c juicefstest.Config) (*juicefstest.Volume, *juicefs.Source, juicefs.Config) {
	t.Helper()
	dir := t.TempDir()
	if c.MetaURL == "" {
		c.MetaURL = "sqlite3://" + filepath.Join(dir, "meta.db")
	}
	if c.Name == "" {
		c.Name = "vol-1"
	}
	if c.Storage == "" {
		c.Storage, c.Bucket = "file", filepath.Join(dir, "blocks")+"/"
		if c.Shards > 1 {
			c.Bucket = filepath.Join(dir, "blocks-%d") + "/"
		}
	}
	v, err := juicefstest.Format(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	config := juicefs.Config{MetaURL: c.MetaURL, Local: true, Passphrase: c.Passphrase}
	s := juicefs.New(config)
	t.Cleanup(func() { _ = s.Close() })
	return v, s, config
}

// holds is what a file system can have as the name of a file.
func holds(key string) bool {
	for name := range strings.SplitSeq(strings.TrimSuffix(key, "/"), "/") {
		if name == "" || name == "." || name == ".." || len(name) > 255 {
			return false
		}
	}
	return true
}

func fixture(t *testing.T, c juicefstest.Config) cachetest.SourceFixture {
	t.Helper()
	v, s, _ := volume(t, c)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	return cachetest.SourceFixture{Source: s, Base: "juicefs://vol-1/", Holds: holds,
		Remove: func(key string) { must(v.Remove(key)) },
		Put: func(key string, content []byte) {
			if strings.HasSuffix(key, "/") {
				must(v.Mkdir(key))
				return
			}
			must(v.Write(key, content))
		}}
}

func TestSource_KeepsTheContractOnSQLite(t *testing.T) {
	t.Parallel()
	cachetest.Source(t, func(t *testing.T) cachetest.SourceFixture { t.Helper(); return fixture(t, juicefstest.Config{}) })
}

func TestSource_KeepsTheContractOnRedis(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, "127.0.0.1")
	database := 0
	cachetest.Source(t, func(t *testing.T) cachetest.SourceFixture {
		t.Helper()
		database++
		return fixture(t, juicefstest.Config{MetaURL: fmt.Sprintf("redis://:%s@%s/%d", redistest.Password, server, database)})
	})
}
