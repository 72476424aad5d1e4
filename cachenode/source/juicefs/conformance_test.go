// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo && !nojuicefs && !race

// Not with the race detector: whenever the library opens SQLite it writes a map that is the process's (meta.DirBatchNum, in pkg/meta/sql.go
// of v1.4.0), and tests open many volumes at once.

package juicefs_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hoist-dev/hoist/cachenode/cachetest"
	"github.com/hoist-dev/hoist/cachenode/source/juicefs"
	"github.com/hoist-dev/hoist/test/juicefstest"
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
	server := redis(t)
	database := 0
	cachetest.Source(t, func(t *testing.T) cachetest.SourceFixture {
		t.Helper()
		database++
		return fixture(t, juicefstest.Config{MetaURL: fmt.Sprintf("redis://:%s@%s/%d", redisPassword, server, database)})
	})
}

const redisPassword = "canary-8d21-never-to-be-seen"

// redis starts Debian's redis-server with 64 empty databases, and returns its address.
func redis(t *testing.T) string {
	t.Helper()
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("redis-server is not installed: apt-get install redis-server")
	}
	probe, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := probe.Addr().String()
	_ = probe.Close()
	_, port, _ := net.SplitHostPort(address)
	cmd := exec.Command(binary, "--port", port, "--bind", "127.0.0.1", "--databases", "64", "--save", "", "--requirepass", redisPassword, "--dir", t.TempDir())
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err == nil {
			_ = conn.Close()
			return address
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("redis-server does not listen: %v", err)
		}
	}
}
