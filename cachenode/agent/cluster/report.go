// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/agent"
	"github.com/hoist-dev/hoist/cachenode/disk"
)

// How often a node writes its status: at once when something happened, but not more than once a second; every few seconds while
// only numbers move; and rarely at rest, which tells that the agent lives.
const (
	looks     = time.Second
	moving    = 4 * time.Second
	heartbeat = 90 * time.Second
)

// due decides whether now is to be written after last was, since ago.
func due(last, now *v1alpha1.CacheNodeStatus, since time.Duration) bool {
	if since >= heartbeat {
		return true
	}
	if equality.Semantic.DeepEqual(withoutTime(last), withoutTime(now)) {
		return false
	}
	return since >= moving || !equality.Semantic.DeepEqual(withoutNumbers(last), withoutNumbers(now))
}

func withoutTime(s *v1alpha1.CacheNodeStatus) *v1alpha1.CacheNodeStatus {
	c := *s
	c.ReportedAt = nil
	return &c
}

// withoutNumbers leaves what is news: which models, in which phase, and how the node is.
func withoutNumbers(s *v1alpha1.CacheNodeStatus) *v1alpha1.CacheNodeStatus {
	c := s.DeepCopy()
	c.ReportedAt, c.Disk.UsedBytes, c.Disk.Used, c.Disk.BudgetBytes, c.Disk.Budget = nil, 0, "", 0, ""
	for i := range c.Models {
		m := &c.Models[i]
		m.BytesDone, m.BytesPerSecond, m.RemainingSeconds, m.MemoryBytes, m.LastUsed = 0, 0, 0, 0, nil
	}
	for i := range c.GPUs {
		c.GPUs[i].UsedBytes, c.GPUs[i].Pods = 0, nil
	}
	return c
}

// Reporter writes the status of a node's CacheNode.
type Reporter struct {
	NodeName string
	Node     *agent.Node
	Client   client.Client
	Direct   client.Reader // of Nodes, uncached
	Counts   *Counts
	Images   *Images
	GPUs     func() []v1alpha1.GPU // nil is a node of which nobody knows
	Log      *slog.Logger

	mu       sync.Mutex
	spec     workingTowards
	draining bool

	last    v1alpha1.CacheNodeStatus
	written time.Time
}

// workingTowards is the spec as the reconciler has taken it.
type workingTowards struct {
	generation int64
	wanted     map[types.NamespacedName]string
	problems   map[types.NamespacedName]string
}

func (r *Reporter) works(spec workingTowards) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.spec = spec
}

// Start reports until ctx ends. It implements manager.Runnable.
func (r *Reporter) Start(ctx context.Context) error {
	tick := time.NewTicker(looks)
	defer tick.Stop()
	failing := false
	for {
		err := r.report(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			r.Log.Warn("status not written; what is mounted is served without it", "err", err)
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Drained writes that the node has ended its work, once.
func (r *Reporter) Drained(ctx context.Context) error {
	r.mu.Lock()
	r.draining = true
	r.mu.Unlock()
	return r.report(ctx)
}

func (r *Reporter) report(ctx context.Context) error {
	now := r.now()
	if !r.written.IsZero() && !due(&r.last, &now, time.Since(r.written)) {
		return nil
	}
	stamp := metav1.Now()
	now.ReportedAt = &stamp
	// The whole status is ours: nothing of an earlier one stays.
	patch, err := json.Marshal([]map[string]any{{"op": "add", "path": "/status", "value": now}})
	if err != nil {
		return err
	}
	object := &v1alpha1.CacheNode{ObjectMeta: metav1.ObjectMeta{Name: r.NodeName}}
	err = r.Client.Status().Patch(ctx, object, client.RawPatch(types.JSONPatchType, patch))
	if apierrors.IsNotFound(err) {
		return Join(ctx, r.Client, r.Direct, r.NodeName) // the next look writes the status
	}
	if err == nil {
		r.last, r.written = now, time.Now()
	}
	return err
}

func (r *Reporter) now() v1alpha1.CacheNodeStatus {
	r.mu.Lock()
	f := facts{generation: r.spec.generation, wanted: r.spec.wanted, problems: r.spec.problems, draining: r.draining}
	r.mu.Unlock()
	f.node, f.mounts, f.conditions = r.Node.Status(), r.Counts.all(), r.last.Conditions
	f.names, f.copies = present(r.Node.Store)
	s := f.status()
	s.Images = r.Images.Status()
	if r.GPUs != nil {
		s.GPUs = r.GPUs()
	}
	return s
}

// present is what the store has, by model.
func present(store *disk.Store) (map[types.NamespacedName]cachenode.Revision, map[cachenode.Revision]disk.Copy) {
	copies := map[cachenode.Revision]disk.Copy{}
	for _, c := range store.List() {
		copies[c.Revision] = c
	}
	names := map[types.NamespacedName]cachenode.Revision{}
	for name, rev := range store.Names() {
		if key, ok := modelOf(name); ok {
			names[key] = rev
		}
	}
	return names, copies
}
