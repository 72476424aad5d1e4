// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package agent_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/agent"
)

// awaitReady waits until the node holds all that it keeps.
func (b bench) awaitReady() {
	b.t.Helper()
	for b.t.Context().Err() == nil {
		if models := b.Status().Models; len(models) > 0 && models[0].Phase == agent.Ready {
			return
		}
		<-time.After(time.Millisecond)
	}
	b.t.Fatal(b.t.Context().Err())
}

// spoil changes the bytes of a copy behind the node's back.
func (b bench) spoil(rev cachenode.Revision) {
	b.t.Helper()
	at := filepath.Join(b.Store.Path(rev), "config.json")
	if err := errors.Join(os.Chmod(at, 0o600), os.WriteFile(at, []byte("[]"), 0)); err != nil {
		b.t.Fatal(err)
	}
}

// A4: what was fetched for another, in place of a copy that was quarantined, is held as that one was.
func TestKeep_HoldsTheCopyThatIsThereNow(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := b.want("team-a.llama", b.origin)
	b.Keep([]agent.Want{w})
	b.awaitReady()
	b.spoil(w.Revision)
	if err := b.Store.Verify(t.Context(), w.Revision); !errors.Is(err, cachenode.ErrCorrupt) {
		t.Fatalf("Verify() of other bytes = %v", err)
	}
	pod, err := b.acquire(w)
	if err != nil {
		t.Fatal(err)
	}

	b.origin.Put("other/config.json", []byte("{}"))
	other := agent.Want{Name: "team-a.other", Ref: w.Ref, Source: b.origin}
	other.Ref.Key = "other/"
	lease, err := b.acquire(other)
	if err != nil {
		t.Fatal(err)
	}
	b.spoil(lease.Revision)
	if _, err := b.Cache().Verify(t.Context(), other.Name); !errors.Is(err, cachenode.ErrCorrupt) { // has the node look at what it holds
		t.Fatalf("Verify() of other bytes = %v", err)
	}
	pod.Release()
	if err := b.Store.Evict(w.Revision); !errors.Is(err, cachenode.ErrInUse) {
		t.Errorf("the copy that the node holds can be evicted: %v", err)
	}
}

// A4: so is what the keeper fetches again itself, before anybody told it of the quarantine.
func TestKeep_HoldsWhatARefreshBroughtBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		w := b.want("team-a.llama", b.origin)
		rev := w.Revision
		w.Revision, w.Refresh = "", time.Minute
		b.Keep([]agent.Want{w})
		synctest.Wait()
		b.spoil(rev)
		if err := b.Store.Verify(t.Context(), rev); !errors.Is(err, cachenode.ErrCorrupt) {
			t.Fatalf("Verify() of other bytes = %v", err)
		}
		time.Sleep(w.Refresh) //nolint:forbidigo // fake time
		synctest.Wait()
		if err := b.Store.Evict(rev); !errors.Is(err, cachenode.ErrInUse) {
			t.Errorf("the copy that the node holds can be evicted: %v", err)
		}
		if named, ok := b.Store.Named(w.Name); !ok || named != rev {
			t.Errorf("its name leads to %q", named)
		}
	})
}

// A model that is taken out and put back before its work has ended keeps its name, without its origin.
func TestKeep_AModelThatIsWantedAgainKeepsItsName(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(o *agent.Options) { o.KeepNames = false })
		slow := &gate{Source: b.origin, begun: make(chan struct{}), proceed: make(chan struct{})}
		w := b.want("llama", slow)
		again := w
		again.Source = closed{b.origin}
		w.Revision, w.Refresh = "", time.Minute
		b.Keep([]agent.Want{w})
		<-slow.begun
		slow.proceed <- struct{}{}
		<-slow.begun // the refresh
		b.Keep(nil)
		b.Keep([]agent.Want{again})
		synctest.Wait()
		if b.Status().Models[0].Phase != agent.Pending {
			t.Error("two work on one name")
		}
		slow.proceed <- struct{}{}
		synctest.Wait()
		named, ok := b.Store.Named(w.Name)
		if phase := b.Status().Models[0].Phase; !ok || named != again.Revision || phase != agent.Ready {
			t.Errorf("its name leads to %q, it is %s", named, phase)
		}
		b.Keep(nil)
		synctest.Wait()
		if named, ok := b.Store.Named(w.Name); ok {
			t.Errorf("nobody wants it, and its name leads to %q", named)
		}
	})
}

// A4: a cycle may take days. What it finds rotten is fetched again at once.
func TestScrub_WhatIsRottenIsFetchedAgainDuringTheCycle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(o *agent.Options) { o.Scrub = agent.ScrubConfig{Every: agent.Duration(time.Hour), Rate: 1} })
		b.origin.Remove("llama/tokenizer.json")
		w := b.want("team-a.llama", b.origin)
		long := agent.Want{Name: "team-a.long", Ref: w.Ref, Source: b.origin}
		long.Ref.Key = "long/"
		b.origin.Put("long/tokenizer.json", make([]byte, cachenode.ChunkSize+1<<20)) // 1 MiB more than may be read without a pause
		b.Keep([]agent.Want{w, long})
		synctest.Wait()
		b.spoil(w.Revision)
		time.Sleep(time.Hour + time.Minute) //nolint:forbidigo // fake time
		synctest.Wait()
		if b.origin.Opened("llama/config.json") != 2 {
			t.Error("it was not fetched again")
		}
		if err := b.Store.Verify(t.Context(), w.Revision); err != nil {
			t.Errorf("the copy that is there: %v", err)
		}
	})
}
