// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hoist-dev/hoist/cachenode"
)

// memoryCache is a Cache of one copy that remembers what was done to it.
type memoryCache struct {
	copy Copy
	err  error
	done []string
}

func (m *memoryCache) act(verb, name string) (Copy, error) {
	m.done = append(m.done, verb+" "+name)
	return m.copy, m.err
}

func (m *memoryCache) List(context.Context) ([]Copy, error) { return []Copy{m.copy}, m.err }
func (m *memoryCache) Evict(_ context.Context, name string) (Copy, error) {
	return m.act("evict", name)
}
func (m *memoryCache) Verify(_ context.Context, name string) (Copy, error) {
	return m.act("verify", name)
}
func (m *memoryCache) Pin(_ context.Context, name string, pinned bool) (Copy, error) {
	if pinned {
		return m.act("pin", name)
	}
	return m.act("unpin", name)
}

func TestControl_ClientDoesToTheNodeWhatItIsTold(t *testing.T) {
	t.Parallel()
	cache := &memoryCache{copy: Copy{Names: []string{"llama"}, Revision: "sha256:ab", Bytes: 7}}
	client := serveControl(t, cache)
	ctx := t.Context()
	copies, err := client.List(ctx)
	if err != nil || !cmp.Equal(copies, []Copy{cache.copy}) {
		t.Fatalf("List() = %v, %v", copies, err)
	}
	for _, act := range []func() (Copy, error){
		func() (Copy, error) { return client.Pin(ctx, "llama", true) },
		func() (Copy, error) { return client.Pin(ctx, "sha256:ab", false) },
		func() (Copy, error) { return client.Verify(ctx, "llama") },
		func() (Copy, error) { return client.Evict(ctx, "a/../b c") },
	} {
		if got, err := act(); err != nil || !cmp.Equal(got, cache.copy) {
			t.Errorf("answer %v, %v", got, err)
		}
	}
	want := []string{"pin llama", "unpin sha256:ab", "verify llama", "evict a/../b c"}
	if diff := cmp.Diff(want, cache.done); diff != "" {
		t.Errorf("done (-want +got):\n%s", diff)
	}
}

func TestControl_KindsOfFailureCrossTheSocket(t *testing.T) {
	t.Parallel()
	for _, kind := range []error{cachenode.ErrInUse, cachenode.ErrNotFound, cachenode.ErrCorrupt, cachenode.ErrInvalid, errors.New("other")} {
		cache := &memoryCache{err: kind}
		_, err := serveControl(t, cache).Evict(t.Context(), "llama")
		if err == nil || err.Error() != kind.Error() {
			t.Errorf("%v arrived as %v", kind, err)
		}
		if cachenode.KindOf(kind) != nil && !errors.Is(err, kind) {
			t.Errorf("the kind of %v was lost", kind)
		}
	}
}

func TestServed_TellsADeadSocketFromAnAnswer(t *testing.T) {
	t.Parallel()
	_, err := NewClient(filepath.Join(t.TempDir(), "nobody")).List(t.Context())
	if err == nil || Served(err) {
		t.Errorf("a missing socket counts as served (%v)", err)
	}
	_, err = serveControl(t, &memoryCache{err: cachenode.ErrDisk}).List(t.Context())
	if err == nil || !Served(err) {
		t.Errorf("a failing node counts as not served (%v)", err)
	}
}

func serveControl(t *testing.T, cache Cache) *Client {
	t.Helper()
	path := filepath.Join(t.TempDir(), ControlSocket)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := NewServer(Control(cache))
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	client := NewClient(path)
	t.Cleanup(func() {
		client.http.CloseIdleConnections()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return client
}
