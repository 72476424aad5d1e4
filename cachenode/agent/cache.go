// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/disk"
)

// Copy is one revision on the disk, as people and scripts see it.
type Copy struct {
	Names    []string           `json:"names,omitempty"`
	Revision cachenode.Revision `json:"revision"`
	Source   string             `json:"source"`
	Files    int                `json:"files"`
	Bytes    int64              `json:"bytes"`
	Pinned   bool               `json:"pinned"`
	Leases   int                `json:"leases"`
	LastUsed time.Time          `json:"lastUsed"`
	Path     string             `json:"path"`
}

// Cache is what the command line does to a node's store: on the store itself when
// nobody serves it ([Local]), or through the control socket ([Client]).
//
// A copy is named by its model name, its revision, or the first digits of the
// revision, eight at least.
type Cache interface {
	List(ctx context.Context) ([]Copy, error)
	Pin(ctx context.Context, name string, pinned bool) (Copy, error)
	Evict(ctx context.Context, name string) (Copy, error)
	Verify(ctx context.Context, name string) (Copy, error) // ErrCorrupt: the copy was quarantined
}

// Local is a Cache on a store that this process has open.
type Local struct{ Store *disk.Store }

// List returns the copies, in no particular order.
func (l Local) List(context.Context) ([]Copy, error) {
	names := map[cachenode.Revision][]string{}
	for name, rev := range l.Store.Names() {
		names[rev] = append(names[rev], name)
	}
	var copies []Copy
	for _, c := range l.Store.List() {
		copies = append(copies, Copy{Names: names[c.Revision], Revision: c.Revision, Source: c.Origin.String(), Files: c.Files, Bytes: c.Bytes,
			Pinned: c.Pinned, Leases: c.Leases, LastUsed: c.LastUsed, Path: c.Path})
	}
	return copies, nil
}

// Pin keeps a copy from eviction, or lets it go again.
func (l Local) Pin(ctx context.Context, name string, pinned bool) (Copy, error) {
	c, err := l.find(ctx, "pin", name)
	if err != nil {
		return c, err
	}
	c.Pinned = pinned
	return c, l.Store.Pin(c.Revision, pinned)
}

// Evict removes a copy. One that is leased or pinned is ErrInUse.
func (l Local) Evict(ctx context.Context, name string) (Copy, error) {
	c, err := l.find(ctx, "evict", name)
	if err != nil {
		return c, err
	}
	return c, l.Store.Evict(c.Revision)
}

// Verify reads every byte of a copy.
func (l Local) Verify(ctx context.Context, name string) (Copy, error) {
	c, err := l.find(ctx, "verify", name)
	if err != nil {
		return c, err
	}
	return c, l.Store.Verify(ctx, c.Revision)
}

// Cache is the node's own: a copy that Verify quarantines is fetched again.
func (n *Node) Cache() Cache { return kept{Local{n.Store}, n} }

type kept struct {
	Local
	node *Node
}

func (k kept) Verify(ctx context.Context, name string) (Copy, error) {
	c, err := k.Local.Verify(ctx, name)
	if errors.Is(err, cachenode.ErrCorrupt) {
		k.node.refetchLost()
	}
	return c, err
}

// shortest is how many digits of a revision may stand for all of it.
const shortest = 8

func (l Local) find(ctx context.Context, op, name string) (Copy, error) {
	copies, err := l.List(ctx)
	if err != nil {
		return Copy{}, err
	}
	var found []Copy
	for _, c := range copies {
		if c.is(name) {
			found = append(found, c)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return Copy{}, &cachenode.Error{Kind: cachenode.ErrNotFound, Op: op, Subject: fmt.Sprintf("%q", name), Hint: "hoist ls shows what is there"}
	}
	return Copy{}, &cachenode.Error{Kind: cachenode.ErrInvalid, Op: op, Subject: fmt.Sprintf("%q", name),
		Err: fmt.Errorf("%d revisions begin like this", len(found)), Hint: "give more digits"}
}

func (c Copy) is(name string) bool {
	if slices.Contains(c.Names, name) {
		return true
	}
	digits := strings.TrimPrefix(name, "sha256:")
	return len(digits) >= shortest && strings.HasPrefix(c.Revision.Hex(), digits)
}
