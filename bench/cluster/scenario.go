// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/bench/result"
)

// The names of scenarios.
const (
	baselineName  = "baseline"
	uncachedName  = "uncached"
	cachedName    = "cached"
	prewarmedName = "prewarmed"
)

// scenario is where the weights are when a replica is wanted.
type scenario struct {
	name, what string
	tier       v1alpha1.Tier // that nodes have the model in at first; "" is none
}

var scenarios = []scenario{
	{name: baselineName, what: "A replica of the Deployment that is compared with; caches are left as they are."},
	{name: uncachedName, what: "No node that has room for the replica has the model: it is downloaded while the pod waits."},
	{name: cachedName, what: "The model is on the disk of the node, downloaded past the page cache just before.", tier: v1alpha1.DiskTier},
	{name: prewarmedName, what: "The model is on the disk of the node and in its page cache.", tier: v1alpha1.MemoryTier},
}

// Scenarios are the names of those that can be chosen.
func Scenarios() []string { return []string{uncachedName, cachedName, prewarmedName} }

func find(name string) *scenario {
	for i := range scenarios {
		if scenarios[i].name == name && name != baselineName {
			return &scenarios[i]
		}
	}
	return nil
}

// notAsked is why a scenario is not run that nobody has asked for.
const notAsked = "not asked for"

// unwanted says why a scenario is not run, or "".
func (b *bench) unwanted(s *scenario) string {
	switch {
	case s.name == baselineName && b.baseline == nil, s.name != baselineName && !slices.Contains(b.Scenarios, s.name):
		return notAsked
	case (s.name == uncachedName || s.name == cachedName) && len(b.wanting) > 0:
		return "Prefetch " + strings.Join(b.wanting, ", ") + " keeps copies, and where they are in memory nobody can tell: delete it first"
	}
	return ""
}

// measure is one run of a scenario.
func (b *bench) measure(ctx context.Context, s *scenario) (result.Run, error) {
	if s.name == baselineName {
		started, err := b.start(ctx, b.baseline)
		if err != nil {
			return result.Run{}, err
		}
		return started.run(b.baseline.admission), b.settle(ctx, b.baseline, b.baseline.from(b.FromZero))
	}
	if err := b.prepare(ctx, s); err != nil {
		return result.Run{}, err
	}
	before, err := b.holdings(ctx)
	if err != nil {
		return result.Run{}, err
	}
	started, err := b.start(ctx, b.target)
	if err != nil {
		return result.Run{}, err
	}
	run, had := started.run(b.target.admission), before[started.node]
	run.Proof = proofs(s, had, b.model.Status.Bytes, started.mounted)
	if s.tier == v1alpha1.DiskTier && had.mounts > 0 && !slices.Contains(b.shared, s.name) {
		b.shared = append(b.shared, s.name)
	}
	// The next run begins once the node has told of the mount and of its end: it takes no copy away that it believes to be in use.
	if err := b.mounts(ctx, started.node, func(pods int32) bool { return pods > had.mounts }); err != nil {
		return run, err
	}
	if err := b.settle(ctx, b.target, b.target.from(b.FromZero)); err != nil {
		return run, err
	}
	return run, b.mounts(ctx, started.node, func(pods int32) bool { return pods <= had.mounts })
}

// mounts waits until a node tells of so many pods that have the model mounted.
func (b *bench) mounts(ctx context.Context, node string, are func(pods int32) bool) error {
	return b.await(ctx, "node "+node+" to tell who has the model mounted", func(ctx context.Context) (bool, error) {
		all, err := b.holdings(ctx)
		if err == nil && !are(all[node].mounts) {
			err = fmt.Errorf("it tells of %d pods", all[node].mounts)
		}
		return err == nil, err
	})
}

// prepare brings about what a scenario claims.
func (b *bench) prepare(ctx context.Context, s *scenario) error {
	if s.tier != v1alpha1.MemoryTier {
		if err := b.evict(ctx); err != nil {
			return err
		}
	}
	if s.tier == "" {
		return nil
	}
	return b.warm(ctx, s.tier)
}

// proofs show that a node had what the scenario claims, and that no more was downloaded.
func proofs(s *scenario, had held, total int64, mounted *v1alpha1.Mounted) []result.Proof {
	downloaded := int64(-1)
	if mounted != nil {
		downloaded = mounted.Downloaded
	}
	whole := fmt.Sprintf(">= %d", total)
	switch s.tier {
	case v1alpha1.DiskTier:
		return []result.Proof{{Name: "bytes on the node's disk before", Got: had.disk, Want: whole, OK: had.disk >= total}, none("bytes downloaded", downloaded)}
	case v1alpha1.MemoryTier:
		return []result.Proof{{Name: "bytes in the node's memory before", Got: had.memory, Want: fmt.Sprintf(">= %d", inMemory(total)), OK: had.memory >= inMemory(total)}, none("bytes downloaded", downloaded)}
	}
	return []result.Proof{none("bytes on the node's disk before", had.disk), {Name: "bytes downloaded", Got: downloaded, Want: "> 0", OK: downloaded > 0}}
}

func none(name string, got int64) result.Proof {
	return result.Proof{Name: name, Got: got, Want: "0", OK: got == 0}
}
