// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/hoist-dev/hoist/cachenode/agent"
	"github.com/hoist-dev/hoist/test/s3test/versity"
)

// listed is a model in a configuration.
func (b *bucket) listed(name, more string) string {
	return "{name: " + name + ", source: " + b.uri(name+"/") + more + "}"
}

func TestServe_KeepsWhatIsListed(t *testing.T) {
	t.Parallel()
	b := newBucket(t)
	one, two := files{"config.json": []byte("{}"), "w/1.dat": random(1 << 20)}, files{"x": random(100)}
	b.put("one/", one)
	n := newNode(t, b.env, b.listed("one", ""), b.listed("two", ""))
	n.start()
	eventually(t, "one is there and two has failed", func() bool {
		return n.model("one").Phase == agent.Ready && n.model("two").Phase == agent.Failed
	})
	if failure := n.model("two").Error; !strings.Contains(failure, "not found") {
		t.Errorf("why model two has failed: %q", failure)
	}
	if status, body := n.get("/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(body, "model two is Failed: ") {
		t.Errorf("/readyz: %d, %q", status, body)
	}
	if status, _ := n.get("/healthz"); status != http.StatusOK {
		t.Errorf("/healthz: %d", status)
	}
	b.put("two/", two)
	n.signal(syscall.SIGHUP) // what has failed is tried again at once
	n.waitReady()
	wantFiles(t, n.name("one"), one)
	wantFiles(t, n.name("two"), two)

	for phase, want := range map[string]float64{"Ready": 2, "Failed": 0} {
		if got := n.metric("hoist_models", phase); got != want {
			t.Errorf("hoist_models{phase=%q} is %v, want %v", phase, got, want)
		}
	}
	if got := n.metric("hoist_fetch_received_bytes_total", ""); got < 1<<20 {
		t.Errorf("%v bytes received", got)
	}
	if n.metric("hoist_node_ready", "") != 1 || n.metric("hoist_cache_copies", "") != 2 || n.metric("hoist_cache_leases", "") != 2 {
		t.Error("metrics do not show two leased copies on a ready node")
	}
	for _, path := range []string{"/status", "/metrics", "/readyz"} {
		_, body := n.get(path)
		neverShown(t, outcome{stdout: body}, secretKey)
	}
	n.stop()
}

func TestServe_CommandsGoThroughTheRunningNode(t *testing.T) {
	t.Parallel()
	b := newBucket(t)
	b.put("one/", files{"w.dat": random(1 << 20)})
	n := newNode(t, b.env, b.listed("one", ""))
	n.start()
	n.waitReady()

	o := n.do("ls")
	o.want(t, exitOK)
	if lines := strings.Split(o.stdout, "\n"); len(lines) != 3 || !strings.HasPrefix(lines[1], "one ") || !strings.Contains(lines[1], "in use") {
		t.Errorf("hoist ls:\n%s", o.stdout)
	}
	copies := n.list()
	if len(copies) != 1 || copies[0].Bytes != 1<<20 || copies[0].Files != 1 || copies[0].Leases != 1 || copies[0].Pinned {
		t.Fatalf("hoist ls --json: %+v", copies)
	}
	n.do("verify", "one").want(t, exitOK)
	n.do("evict", "one").want(t, exitInUse)
	n.do("pin", copies[0].Revision.Hex()[:8]).want(t, exitOK)
	if !n.list()[0].Pinned {
		t.Error("hoist pin has not pinned")
	}
	n.do("verify", "nothing").want(t, exitNotFound, "nothing")
	n.stop()

	n.do("evict", "one").want(t, exitInUse) // pinned; the pin is on the disk
	n.do("unpin", "one").want(t, exitOK)
	n.do("verify", "one").want(t, exitOK)
	n.do("evict", "one").want(t, exitOK)
	if copies := n.list(); len(copies) != 0 {
		t.Errorf("after evict: %+v", copies)
	}
}

// list is what hoist ls --json says.
func (n *node) list() []agent.Copy {
	n.t.Helper()
	o := n.do("ls", "--json")
	o.want(n.t, exitOK)
	var copies []agent.Copy
	if err := json.Unmarshal([]byte(o.stdout), &copies); err != nil {
		n.t.Errorf("hoist ls --json %q: %v", o.stdout, err)
	}
	return copies
}

func TestServe_VerifyFindsBitRotAndTheNodeMendsIt(t *testing.T) {
	t.Parallel()
	b := newBucket(t)
	model := files{"w.dat": random(1 << 20)}
	b.put("one/", model)
	n := newNode(t, b.env, b.listed("one", ""))
	n.start()
	n.waitReady()
	flip(t, filepath.Join(n.name("one"), "w.dat"))
	n.do("verify", "one").want(t, exitCorrupt)
	eventually(t, "a whole copy is back", func() bool { return n.ready() && n.do("verify", "one").code == exitOK })
	wantFiles(t, n.name("one"), model)
	n.stop()
}

func TestServe_HangupReloadsTheConfiguration(t *testing.T) {
	t.Parallel()
	b := newBucket(t)
	model := files{"x": random(100)}
	b.put("one/", model)
	b.put("two/", files{"y": random(100)})
	n := newNode(t, b.env, b.listed("one", ""), b.listed("two", ""))
	n.start()
	n.waitReady()

	n.configure("nonsense: [", b.listed("two", ""))
	n.signal(syscall.SIGHUP)
	eventually(t, "the mistake is logged", func() bool { return strings.Contains(n.stderr.String(), "configuration not reloaded") })
	if !n.ready() || n.model("one").Phase != agent.Ready {
		t.Error("a broken configuration has changed something")
	}
	wantFiles(t, n.name("one"), model)

	n.configure("", b.listed("two", ""))
	n.signal(syscall.SIGHUP)
	eventually(t, "the name of what is not listed any more is gone", func() bool {
		_, err := os.Lstat(n.name("one"))
		return os.IsNotExist(err)
	})
	if !n.ready() || n.model("one").Name != "" {
		t.Error("the node still speaks of model one, or is not ready without it")
	}
	for _, c := range n.list() {
		if len(c.Names) == 0 {
			n.do("evict", c.Revision.Hex()).want(t, exitOK)
		}
	}
	if copies := n.list(); len(copies) != 1 || copies[0].Names[0] != "two" {
		t.Errorf("left: %+v", copies)
	}
	n.stop()
}

func TestServe_RefreshFollowsTheOrigin(t *testing.T) {
	t.Parallel()
	b := newBucket(t)
	model := files{"config.json": []byte("{}"), "w.dat": random(1 << 20)}
	b.put("one/", model)
	n := newNode(t, b.env, b.listed("one", ", refresh: 100ms"), b.listed("late", ", refresh: 100ms"))
	n.start()
	eventually(t, "one is there", func() bool { return n.model("one").Phase == agent.Ready })
	before, err := filepath.EvalSymlinks(n.name("one"))
	if err != nil {
		t.Fatal(err)
	}
	after := files{"config.json": []byte(`{"v": 2}`), "w.dat": model["w.dat"]}
	b.put("one/", files{"config.json": after["config.json"]})
	eventually(t, "the name points to the new revision", func() bool {
		now, err := filepath.EvalSymlinks(n.name("one"))
		return err == nil && now != before
	})
	wantFiles(t, n.name("one"), after)
	wantFiles(t, before, model) // until its space is needed
	if got := n.metric("hoist_fetch_received_bytes_total", ""); got >= 2<<20 {
		t.Errorf("%v bytes received: the file that did not change was fetched again", got)
	}
	b.put("late/", files{"x": random(10)})
	n.waitReady() // what was missing is looked for at the same pace
	n.stop()
}

// C5: what is on the disk needs no origin.
func TestServe_ReadyFromTheDiskWithoutTheOrigin(t *testing.T) {
	t.Parallel()
	server := startServer(t, versity.Config{Dir: t.TempDir()})
	t.Cleanup(func() { _ = server.Stop() })
	b := bucketOn(t, server)
	model := files{"x": random(100)}
	b.put("one/", model)
	n := newNode(t, b.env, b.listed("one", ", refresh: 100ms"))
	n.start()
	n.waitReady()
	n.stop()
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	n.start()
	n.waitReady()
	wantFiles(t, n.name("one"), model)
	n.stop()
}

// D5: SIGTERM ends the node soon and well; what is verified is not fetched again.
func TestServe_TerminationKeepsWhatIsVerified(t *testing.T) {
	t.Parallel()
	b := newBucket(t)
	const size = 48 << 20
	model := files{"w.dat": random(size)}
	b.put("one/", model)
	n := newNode(t, b.env)
	n.configure("fetch: {bandwidth: 16MiB, maxConnections: 1}", b.listed("one", ""))
	n.start()
	eventually(t, "a chunk is verified", func() bool { return n.model("one").BytesDone >= 17<<20 })
	if m := n.model("one"); m.Phase != agent.Fetching || m.Bytes != size {
		t.Errorf("in mid-download: %+v", m)
	}
	n.stop()
	if _, err := os.Lstat(n.name("one")); !os.IsNotExist(err) {
		t.Errorf("half a model has a name: %v", err)
	}
	n.configure("", b.listed("one", ""))
	n.start()
	n.waitReady()
	wantFiles(t, n.name("one"), model)
	if got := n.metric("hoist_fetch_received_bytes_total", ""); got == 0 || got > size-16<<20 {
		t.Errorf("the second run received %v of %d bytes", got, size)
	}
	n.stop()
}

// D5: the second SIGTERM does not wait for anything.
func TestServe_SecondTerminationEndsAtOnce(t *testing.T) {
	t.Parallel()
	n := newNode(t, nil)
	n.start()
	before := n.sockets()
	idle, err := net.Dial("tcp", strings.TrimPrefix(n.address, "http://")) // a client that says nothing holds up the drain
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	eventually(t, "the node accepts the client", func() bool { return n.sockets() > before })
	n.signal(syscall.SIGTERM)
	eventually(t, "the node drains", func() bool { return strings.Contains(n.stderr.String(), "draining") })
	eventually(t, "the node is gone", func() bool {
		if n.ended() {
			return true
		}
		_ = n.cmd.Process.Signal(syscall.SIGTERM)
		return false
	})
	n.wait().want(t, -1)
}

// D7: one cache belongs to one process.
func TestServe_OneNodePerRoot(t *testing.T) {
	t.Parallel()
	n := newNode(t, nil)
	n.start()
	hoist(t, nil, "serve", "--config", n.config).want(t, exitInUse, n.root)
	if status, _ := n.get("/healthz"); status != http.StatusOK || n.do("ls").code != exitOK {
		t.Error("the first node has suffered")
	}
	n.stop()
}
