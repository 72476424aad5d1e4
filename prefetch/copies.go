// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package prefetch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// writeModels writes how many copies of each Model there are, where its status says something else.
func (p *Planner) writeModels(ctx context.Context, w world, now time.Time) error {
	held := w.heldModels(now)
	var failed []error
	for i := range w.models {
		model := &w.models[i]
		var c v1alpha1.Copies
		for _, m := range held[keyOf(model)] {
			c.Total++
			switch {
			case m.Phase == v1alpha1.FailedPhase:
				c.Failed++
			case m.Phase == v1alpha1.ReadyPhase && m.Revision == model.Status.Revision:
				c.Ready++
			}
		}
		c.ReadyOfTotal = fmt.Sprintf("%d/%d", c.Ready, c.Total)
		if c == model.Status.Copies || !model.DeletionTimestamp.IsZero() {
			continue
		}
		after := model.DeepCopy()
		after.Status.Copies = c
		if err := client.IgnoreNotFound(p.Client.Status().Patch(ctx, after, client.MergeFrom(model))); err != nil {
			failed = append(failed, fmt.Errorf("copies of Model %s: %w", keyOf(model), err))
		}
	}
	return errors.Join(failed...)
}

// writeLabels labels nodes with the models that they have, or are getting.
func (p *Planner) writeLabels(ctx context.Context, w world, now time.Time) error {
	var failed []error
	for i := range w.caches {
		cache := &w.caches[i]
		node := w.nodes[cache.Name]
		if node == nil {
			continue
		}
		desired := map[string]string{}
		if w.working(cache, now) {
			for _, m := range cache.Status.Models {
				if m.Phase == v1alpha1.ReadyPhase || m.Phase == v1alpha1.FetchingPhase {
					desired[v1alpha1.ModelLabel(m.Namespace, m.Name)] = string(m.Phase)
				}
			}
		}
		if free, ok := freeVRAM(cache.Status.GPUs); ok && w.working(cache, now) {
			desired[v1alpha1.FreeVRAMLabel] = free
		}
		actual := maps.Clone(node.Labels)
		maps.DeleteFunc(actual, func(key, _ string) bool {
			return !strings.HasPrefix(key, v1alpha1.ModelLabelPrefix) && key != v1alpha1.FreeVRAMLabel
		})
		if maps.Equal(actual, desired) {
			continue
		}
		if err := client.IgnoreNotFound(p.label(ctx, node.Name, actual, desired)); err != nil {
			failed = append(failed, fmt.Errorf("label node %s: %w", node.Name, err))
		}
	}
	return errors.Join(failed...)
}

// freeVRAM is the memory that the emptiest GPU has free, in MiB, rounded down to a GiB so that it does not move all the time.
func freeVRAM(gpus []v1alpha1.GPU) (mib string, ok bool) {
	var most int64
	for _, g := range gpus {
		most = max(most, g.TotalBytes-g.UsedBytes)
	}
	return strconv.FormatInt(most>>30<<10, 10), len(gpus) > 0
}

// label changes the labels that differ, each by its name: a patch of all labels would take away those of others.
func (p *Planner) label(ctx context.Context, node string, actual, desired map[string]string) error {
	changes := map[string]any{}
	for key := range actual {
		if _, keep := desired[key]; !keep {
			changes[key] = nil
		}
	}
	for key, value := range desired {
		if actual[key] != value {
			changes[key] = value
		}
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"labels": changes}})
	if err != nil {
		return err
	}
	object := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Name: node}}
	object.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Node"))
	return p.Client.Patch(ctx, object, client.RawPatch(types.MergePatchType, patch))
}
