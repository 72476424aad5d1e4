// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package csi

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"

	"github.com/hoist-dev/hoist/cachenode"
)

var errCrashed = errors.New("the process is dead")

// world is what outlives a process, in memory, and what the process has in it. Each
// step of a process can be its last one.
type world struct {
	mu     sync.Mutex
	mounts map[string][]fakeMount // by target, the topmost last
	leases map[string]int         // by volume, of the process that is alive
	taken  int                    // leases ever taken
	alive  int                    // which process is

	steps    int
	crashAt  int // the step that is not made, nor any after it
	crashed  bool
	failures map[string]int // how many times a step still fails

	acquire func(ctx context.Context, claim Claim) error // nil: at once
}

type fakeMount struct {
	source string
	state  MountState
}

func newWorld() *world {
	return &world{mounts: map[string][]fakeMount{}, leases: map[string]int{}, failures: map[string]int{}}
}

// step is the hook of records and directories, and is called by the fakes.
func (w *world) step(name string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stepped(name)
}

func (w *world) stepped(name string) error {
	w.steps++
	if w.steps == w.crashAt {
		w.crashed = true
	}
	if w.crashed {
		return errCrashed
	}
	if w.failures[name] > 0 {
		w.failures[name]--
		return errors.New("injected: " + name)
	}
	return nil
}

// restart is a new process: leases were the old one's.
func (w *world) restart() *process {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.alive++
	w.crashed, w.crashAt = false, 0
	clear(w.leases)
	return &process{world: w, id: w.alive}
}

// reboot takes all mounts.
func (w *world) reboot() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.mounts)
}

func (w *world) snapshot() (mounts map[string][]fakeMount, leases map[string]int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.mounts), maps.Clone(w.leases)
}

// process is the Models and the Mounter of one process.
type process struct {
	*world
	id int
}

// revisionOf is the one revision of a model, and where it is.
func revisionOf(m ModelRef) (cachenode.Revision, string) {
	name := recordName(m.String())[:64]
	return cachenode.Revision("sha256:" + name), "/models/" + name
}

func (p *process) Acquire(ctx context.Context, claim Claim) (Lease, error) {
	if p.acquire != nil {
		if err := p.acquire(ctx, claim); err != nil {
			return Lease{}, err
		}
	}
	return p.lease("acquire", claim)
}

func (p *process) Resume(claim Claim, revision cachenode.Revision) (Lease, error) {
	if want, _ := revisionOf(claim.Model); want != revision {
		return Lease{}, fmt.Errorf("%w: revision %s", cachenode.ErrNotFound, revision)
	}
	return p.lease("resume", claim)
}

func (p *process) Progress(claim Claim) string { return "1 of 2 GB of " + claim.Model.Name }

func (p *process) lease(step string, claim Claim) (Lease, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.stepped(step); err != nil {
		return Lease{}, err
	}
	p.leases[claim.Volume]++
	p.taken++
	revision, path := revisionOf(claim.Model)
	return Lease{Path: path, Revision: revision, Release: func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.alive != p.id || p.crashed {
			return
		}
		p.leases[claim.Volume]--
		if p.leases[claim.Volume] == 0 {
			delete(p.leases, claim.Volume)
		}
	}}, nil
}

// Bind is in two steps, as it would be for one that remounts: a crash may leave an
// open mount.
func (p *process) Bind(source, target string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.stepped("bind"); err != nil {
		return err
	}
	p.mounts[target] = append(p.mounts[target], fakeMount{source, Open})
	if err := p.stepped("seal"); err != nil {
		if !p.crashed {
			p.pop(target)
		}
		return err
	}
	p.mounts[target][len(p.mounts[target])-1].state = Sealed
	return nil
}

func (p *process) Unmount(target string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.stepped("unmount"); err != nil {
		return err
	}
	p.pop(target)
	return nil
}

func (p *process) pop(target string) {
	if left := len(p.mounts[target]) - 1; left > 0 {
		p.mounts[target] = p.mounts[target][:left]
	} else {
		delete(p.mounts, target)
	}
}

func (p *process) State(target string) (MountState, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.stepped("state"); err != nil {
		return Unmounted, err
	}
	if all := p.mounts[target]; len(all) > 0 {
		return all[len(all)-1].state, nil
	}
	return Unmounted, nil
}
