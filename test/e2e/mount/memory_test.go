// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package mount_test

import (
	"context"
	"fmt"
	"path"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/bench/pagecache"
	"github.com/hoist-dev/hoist/bench/synth"
	"github.com/hoist-dev/hoist/cachenode"
)

// A Prefetch into memory has the model in the page cache of the node, and the node says so.
func TestPrefetch_IntoMemoryWarmsThePageCache(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.PutModel(t, "tiny/", synth.Options{Size: 8 << 20, Shard: 8 << 20, Seed: 12})
	s.model("tiny", "tiny/", "")
	s.prefetch("hot", "tiny", ", tier: Memory, nodes: {count: 1}")
	s.awaitCondition(new(v1alpha1.Prefetch), "hot", v1alpha1.ReadyCondition, metav1.ConditionTrue, v1alpha1.CompleteReason)
	s.Await("a node to have it in memory", func(ctx context.Context) (bool, error) {
		var nodes v1alpha1.CacheNodeList
		if err := s.Hoist.List(ctx, &nodes, client.InNamespace("")); err != nil {
			return false, err
		}
		var held []v1alpha1.HeldModel
		for i := range nodes.Items {
			for _, m := range nodes.Items[i].Status.Models {
				if m.Namespace == s.Name && m.Phase == v1alpha1.ReadyPhase {
					held = append(held, m)
				}
			}
		}
		if len(held) != 1 || held[0].MemoryBytes != held[0].BytesTotal {
			return false, fmt.Errorf("the nodes hold %+v", held)
		}
		return true, nil
	})
}

// What a pod mounts is in memory before its server asks for it: this one never does.
func TestMount_IsReadAheadOfItsServer(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.PutModel(t, "tiny/", synth.Options{Size: 24 << 20, Shard: 24 << 20, Seed: 13})
	s.model("tiny", "tiny/", "")
	s.prefetch("one", "tiny", ", nodes: {count: 1}")
	s.awaitCondition(new(v1alpha1.Prefetch), "one", v1alpha1.ReadyCondition, metav1.ConditionTrue, v1alpha1.CompleteReason)
	holder := s.holders("tiny")[0]
	var model v1alpha1.Model
	if err := s.Hoist.Get(t.Context(), client.ObjectKey{Namespace: s.Name, Name: "tiny"}, &model); err != nil {
		t.Fatal(err)
	}
	node, err := s.Cluster.Node(holder)
	if err != nil {
		t.Fatal(err)
	}
	copied := node.Machine.Path(path.Join("/var/lib/hoist/cache/models", cachenode.Revision(model.Status.Revision).Hex()))
	if err := pagecache.Drop(copied); err != nil {
		t.Fatal(err)
	}
	if resident, total, err := pagecache.Resident(copied); err != nil || resident > total/2 {
		t.Fatalf("%d of %d bytes are in memory before a pod is there, %v", resident, total, err)
	}
	s.pod("idle", "tiny", holder)
	s.Await("all of it to be in memory", func(context.Context) (bool, error) {
		resident, total, err := pagecache.Resident(copied)
		if err == nil && resident != total {
			err = fmt.Errorf("%d of %d bytes are", resident, total)
		}
		return err == nil, err
	})
}
