// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package agent_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/agent"
	"github.com/hoist-dev/hoist/cachenode/cachetest"
	"github.com/hoist-dev/hoist/cachenode/disk"
	"github.com/hoist-dev/hoist/cachenode/fetch"
	"github.com/hoist-dev/hoist/cachenode/formats"
)

// bench is a node on a real disk, with an origin in memory.
type bench struct {
	*agent.Node
	origin *cachetest.MemSource
	t      *testing.T
}

func newBench(t *testing.T, change ...func(*agent.Options)) bench {
	t.Helper()
	store, err := disk.Open(filepath.Join(t.TempDir(), "cache"), disk.Options{})
	if err != nil {
		t.Fatal(err)
	}
	scheduler, err := fetch.New(fetch.Config{Buffers: 16 << 20})
	if err != nil {
		t.Fatal(err)
	}
	origin := cachetest.NewSource(map[string][]byte{"llama/config.json": []byte("{}"), "llama/tokenizer.json": bytes.Repeat([]byte("t"), 1<<20)})
	options := agent.Options{Store: store, Scheduler: scheduler, Metrics: agent.NewMetrics("test"), Log: slog.New(slog.DiscardHandler), Version: "test", KeepNames: true,
		Inspector: func(s cachenode.Selection) cachenode.Inspector { return formats.Inspector{AllowPickle: s.AllowPickle} }}
	for _, change := range change {
		change(&options)
	}
	node := agent.NewNode(options)
	t.Cleanup(func() {
		node.Close()
		if err := errors.Join(scheduler.Close(), store.Close()); err != nil {
			t.Error(err)
		}
	})
	return bench{node, origin, t}
}

// want is the model llama in the revision that the origin has now, for a name.
func (b bench) want(name string, source cachenode.Source) agent.Want {
	b.t.Helper()
	ref, err := cachenode.ParseRef("s3://" + cachetest.Bucket + "/llama/")
	if err != nil {
		b.t.Fatal(err)
	}
	m, err := b.origin.Resolve(b.t.Context(), ref, cachenode.Selection{})
	if err != nil {
		b.t.Fatal(err)
	}
	return agent.Want{Name: name, Ref: ref, Source: source, Revision: m.Revision(), Priority: cachenode.StartingPod}
}

func (b bench) acquire(w agent.Want) (agent.Lease, error) {
	b.t.Helper()
	return b.Acquire(b.t.Context(), w, new(fetch.Progress))
}

func (b bench) served() int64 {
	return b.origin.Served("llama/config.json") + b.origin.Served("llama/tokenizer.json")
}

// closed is an origin that some may not list.
type closed struct{ cachenode.Source }

func (closed) Resolve(context.Context, cachenode.Ref, cachenode.Selection) (cachenode.Manifest, error) {
	return cachenode.Manifest{}, &cachenode.Error{Kind: cachenode.ErrDenied, Op: "list", Subject: "s3://models/llama/"}
}

func TestAcquire_GivesAMissingModelItsBytesAndALease(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := b.want("team-a.llama", b.origin)
	if b.Proven(w) {
		t.Fatal("what nobody fetched is proven")
	}
	lease, err := b.acquire(w)
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(lease.Path, "config.json"))
	if err != nil || string(content) != "{}" || lease.Revision != w.Revision || !b.Proven(w) {
		t.Errorf("it has %q in revision %s, %v; proven %v", content, lease.Revision, err, b.Proven(w))
	}
	if err := b.Store.Evict(lease.Revision); !errors.Is(err, cachenode.ErrInUse) {
		t.Errorf("a leased copy can be evicted: %v", err)
	}
	lease.Release()
	if err := b.Store.Evict(lease.Revision); err != nil {
		t.Errorf("a copy that was given back can't be: %v", err)
	}
}

// J3: bytes that are here for one name are given to another only after that one has listed the origin itself; then none is fetched.
func TestAcquire_AnotherNameProvesItsOwnAccess(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	first, err := b.acquire(b.want("team-a.llama", b.origin))
	if err != nil {
		t.Fatal(err)
	}
	defer first.Release()
	before := b.served()
	stranger := b.want("team-b.llama", closed{b.origin})
	if _, err := b.acquire(stranger); !errors.Is(err, cachenode.ErrDenied) {
		t.Fatalf("a name that can't list the origin gets %v", err)
	}
	if _, ok := b.Store.Named(stranger.Name); ok || b.Proven(stranger) {
		t.Error("the refused name is taken for proven")
	}
	friend, err := b.acquire(b.want("team-c.llama", b.origin))
	if err != nil {
		t.Fatal(err)
	}
	defer friend.Release()
	if after := b.served(); after != before {
		t.Errorf("%d bytes were fetched again", after-before)
	}
}

// J3: having read one revision proves nothing about the next.
func TestAcquire_AProofIsOfOneRevision(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	old, err := b.acquire(b.want("team-a.llama", b.origin))
	if err != nil {
		t.Fatal(err)
	}
	defer old.Release()
	b.origin.Put("llama/config.json", []byte("{ }"))
	next, err := b.acquire(b.want("team-b.llama", b.origin))
	if err != nil {
		t.Fatal(err)
	}
	defer next.Release()
	if _, err := b.acquire(b.want("team-a.llama", closed{b.origin})); !errors.Is(err, cachenode.ErrDenied) {
		t.Errorf("who could read the old revision gets of the new one %v", err)
	}
}

// C5: a pinned revision under a name that has read the origin needs neither origin nor credentials any more.
func TestAcquire_NeedsNoOriginForWhatIsProven(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := b.want("team-a.llama", b.origin)
	first, err := b.acquire(w)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Release()
	w.Source = nil
	again, err := b.acquire(w)
	if err != nil {
		t.Fatal(err)
	}
	again.Release()
	if err := b.Forget(w.Name); err != nil || b.Proven(w) {
		t.Errorf("a forgotten name is proven, %v", err)
	}
	if _, err := b.acquire(w); !errors.Is(err, cachenode.ErrUnsupported) {
		t.Errorf("without proof and source it gets %v", err)
	}
}

// A pin is a pin: what the origin holds now is no substitute for it.
func TestAcquire_OfARevisionThatIsGoneSaysSo(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := b.want("team-a.llama", b.origin)
	b.origin.Put("llama/config.json", []byte("{ }"))
	_, err := b.acquire(w)
	if !errors.Is(err, cachenode.ErrChanged) || !strings.Contains(err.Error(), "Follow") {
		t.Errorf("it gets %v", err)
	}
	if b.served() != 0 {
		t.Errorf("%d bytes of the wrong revision were fetched", b.served())
	}
}

// C6: whoever gives up takes nothing from those who wait on.
func TestAcquire_OneGivesUpAndTheOtherGetsIt(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	begun, proceed := make(chan struct{}), make(chan struct{})
	slow := &gate{Source: b.origin, begun: begun, proceed: proceed}
	w := b.want("team-a.llama", slow)
	ctx, giveUp := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() { _, err := b.Acquire(ctx, w, new(fetch.Progress)); gone <- err }()
	<-begun
	type answer struct {
		lease agent.Lease
		err   error
	}
	stays := make(chan answer, 1)
	go func() { lease, err := b.acquire(w); stays <- answer{lease, err} }()
	<-begun
	giveUp()
	close(proceed)
	<-gone
	got := <-stays
	if got.err != nil {
		t.Fatal(got.err)
	}
	got.lease.Release()
}

// gate is an origin whose listings wait until they may proceed.
type gate struct {
	cachenode.Source
	begun   chan struct{}
	proceed chan struct{}
}

func (g *gate) Resolve(ctx context.Context, ref cachenode.Ref, s cachenode.Selection) (cachenode.Manifest, error) {
	g.begun <- struct{}{}
	<-g.proceed
	return g.Source.Resolve(ctx, ref, s)
}

func TestAcquire_ADrainingNodeTakesNobodyIn(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Drain()
	if _, err := b.acquire(b.want("team-a.llama", b.origin)); !errors.Is(err, cachenode.ErrUnavailable) {
		t.Errorf("it gets %v", err)
	}
}
