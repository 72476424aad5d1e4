// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/agent"
	"github.com/hoist-dev/hoist/cachenode/agent/origin"
	"github.com/hoist-dev/hoist/cachenode/csi"
	"github.com/hoist-dev/hoist/cachenode/fetch"
)

// Mounts gives pods the models that they mount. It implements csi.Models.
type Mounts struct {
	Node    *agent.Node
	Reader  client.Reader // of Models
	Sources *origin.Sources
	Events  events.EventRecorder
	Counts  *Counts

	mu      sync.Mutex
	waiting map[string]waiting // by volume
	asking  map[string]asking  // by volume
}

// waiting is a pod that waits for its model.
type waiting struct {
	progress *fetch.Progress
	since    time.Time
}

func (w waiting) String() string { return describe(w.progress.Snapshot(), time.Since(w.since)) }

// progressEvery is how often a pod that waits is told how far it is.
const progressEvery = 15 * time.Second

// Acquire takes the lease for a pod, downloading what is missing at the priority of a starting pod.
func (m *Mounts) Acquire(ctx context.Context, claim csi.Claim) (csi.Lease, error) {
	m.ask(claim.Volume, time.Now())
	key := types.NamespacedName{Namespace: claim.Model.Namespace, Name: claim.Model.Name}
	want, err := m.want(ctx, key, claim.Pod.Namespace)
	if err != nil {
		return csi.Lease{}, err
	}
	pod := waiting{new(fetch.Progress), time.Now()}
	defer m.wait(claim, pod)()
	lease, err := m.Node.Acquire(ctx, want, pod.progress)
	m.downloaded(claim.Volume, pod.progress.Snapshot().Fetched)
	if err != nil {
		if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			err = &cachenode.Error{Kind: cachenode.ErrUnavailable, Op: "mount", Subject: "model " + key.String(),
				Err: fmt.Errorf("%s; the download goes on when the kubelet asks again: %w", pod, err)}
		}
		return csi.Lease{}, err
	}
	return m.counted(key, m.Node.Ahead(lease)), nil //nolint:contextcheck // it goes on after the call
}

// Resume takes again the lease of a mount that survived a restart.
func (m *Mounts) Resume(claim csi.Claim, revision cachenode.Revision) (csi.Lease, error) {
	lease, err := m.Node.Lease(revision)
	if err != nil {
		return csi.Lease{}, err
	}
	return m.counted(types.NamespacedName{Namespace: claim.Model.Namespace, Name: claim.Model.Name}, lease), nil
}

func (m *Mounts) counted(key types.NamespacedName, lease agent.Lease) csi.Lease {
	m.Counts.add(key, 1)
	return csi.Lease{Path: lease.Path, Revision: lease.Revision, Release: func() {
		m.Counts.add(key, -1)
		lease.Release()
	}}
}

// want decides whether pods of the namespace may mount the model. A Model that does not admit them and one that is not there
// look alike: names of other namespaces are nobody's business.
func (m *Mounts) want(ctx context.Context, key types.NamespacedName, namespace string) (agent.Want, error) {
	var model v1alpha1.Model
	err := m.Reader.Get(ctx, key, &model)
	if apierrors.IsNotFound(err) || err == nil && !model.Admits(namespace) {
		return agent.Want{}, &cachenode.Error{Kind: cachenode.ErrNotFound, Op: "mount", Subject: "model " + key.String(),
			Err:  fmt.Errorf("there is no such Model, or it does not allow pods of the namespace %s", namespace),
			Hint: "create the Model, or add the namespace to its spec.allowedNamespaces"}
	}
	if err != nil {
		return agent.Want{}, &cachenode.Error{Kind: cachenode.ErrUnavailable, Op: "read", Subject: "model " + key.String(), Err: err}
	}
	if model.Status.Revision == "" {
		return agent.Want{}, &cachenode.Error{Kind: cachenode.ErrUnavailable, Op: "mount", Subject: "model " + key.String(), Err: errors.New(unresolved(&model))}
	}
	want, err := wantOf(&model, model.Status.Revision, cachenode.StartingPod, v1alpha1.DiskTier, nil)
	if err != nil {
		return agent.Want{}, err
	}
	if !m.Node.Proven(want) { // with the copy there, neither Secret nor origin is needed
		want.Source, err = m.Sources.For(ctx, &model)
	}
	return want, err
}

// unresolved says why a Model has no revision yet.
func unresolved(model *v1alpha1.Model) string {
	for _, c := range model.Status.Conditions {
		if c.Type == v1alpha1.ResolvedCondition && c.Message != "" {
			return c.Message
		}
	}
	return "its source has not been read yet"
}

// Progress says how far the download is that the claim's pod waits for, or "".
func (m *Mounts) Progress(claim csi.Claim) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if pod, ok := m.waiting[claim.Volume]; ok {
		return pod.String()
	}
	return ""
}

// wait has the pod told how far it is until the function that it returns is called.
func (m *Mounts) wait(claim csi.Claim, pod waiting) (end func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.waiting == nil {
		m.waiting = map[string]waiting{}
	}
	m.waiting[claim.Volume] = pod
	ended := make(chan struct{})
	var told sync.WaitGroup
	told.Go(func() { m.tell(ended, claim, pod) })
	return func() {
		close(ended)
		told.Wait()
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.waiting, claim.Volume)
	}
}

// tell writes events on the pod that waits, until ended is closed.
func (m *Mounts) tell(ended <-chan struct{}, claim csi.Claim, pod waiting) {
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for {
		select {
		case <-ended:
			return
		case <-tick.C:
			m.Events.Eventf(reference(claim), nil, corev1.EventTypeNormal, "FetchingModel", "Fetching", "model %s: %v", claim.Model.Name, pod)
		}
	}
}

// describe is progress for people, such as "12.3 of 70.1 GB are here, 300 MB/s, 3m12s left".
func describe(p fetch.Snapshot, elapsed time.Duration) string {
	if p.Total == 0 {
		return "asking the source what there is"
	}
	const giga = 1e9
	text := fmt.Sprintf("%.1f of %.1f GB are here", float64(p.Done)/giga, float64(p.Total)/giga)
	if speed := float64(p.Fetched) / elapsed.Seconds(); speed >= 1 {
		left := time.Duration(float64(p.Total-p.Done) / speed * float64(time.Second)).Round(time.Second)
		text += fmt.Sprintf(", %.0f MB/s, %v left", speed/1e6, left)
	}
	return text
}
