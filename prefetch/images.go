// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package prefetch

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/prefetch/plan"
)

// images are what each node shall pull along: the images of the prefetches that chose it. Sorted, and bounded as the API bounds them.
func (w world) images(made plan.Plan) map[string][]string {
	byPrefetch := map[plan.Key][]string{}
	for i := range w.prefetches {
		if p := &w.prefetches[i]; !p.Spec.Suspend {
			byPrefetch[keyOf(p)] = p.Spec.Images
		}
	}
	sets := map[string]map[string]bool{}
	for _, d := range made.Decisions {
		for _, node := range d.Nodes {
			for _, image := range byPrefetch[d.Prefetch] {
				if sets[node] == nil {
					sets[node] = map[string]bool{}
				}
				sets[node][image] = true
			}
		}
	}
	images := map[string][]string{}
	for node, set := range sets {
		all := slices.Sorted(maps.Keys(set))
		images[node] = all[:min(len(all), v1alpha1.MaxImages)]
	}
	return images
}

// imageState is what the chosen nodes lack of a prefetch's images.
type imageState struct {
	missing string // an image that a node does not have yet, and which node
	failure string // why one can't be pulled
}

func (w world) imageFailures(p *v1alpha1.Prefetch, nodes []string) (s imageState) {
	if len(p.Spec.Images) == 0 {
		return s
	}
	held := map[string]map[string]v1alpha1.HeldImage{}
	for i := range w.caches {
		cache := &w.caches[i]
		held[cache.Name] = map[string]v1alpha1.HeldImage{}
		for _, image := range cache.Status.Images {
			held[cache.Name][image.Image] = image
		}
	}
	for _, node := range nodes {
		for _, image := range p.Spec.Images {
			switch h := held[node][image]; h.Phase {
			case v1alpha1.ReadyPhase:
			case v1alpha1.FailedPhase:
				s.failure = node + ": " + h.Message
			case v1alpha1.PendingPhase, v1alpha1.FetchingPhase:
				s.missing = "image " + image + " is being pulled on " + node
			default: // not reported yet
				s.missing = "image " + image + " is not on " + node + " yet"
			}
		}
	}
	return s
}

// awaitImages takes Ready back while a chosen node lacks an image.
func awaitImages(status *v1alpha1.PrefetchStatus, p *v1alpha1.Prefetch, images imageState) {
	if images == (imageState{}) || !isTrue(status.Conditions, v1alpha1.ReadyCondition) {
		return
	}
	c := metav1.Condition{Type: v1alpha1.ReadyCondition, Status: metav1.ConditionFalse, ObservedGeneration: p.Generation,
		Reason: v1alpha1.FetchingReason, Message: images.missing}
	if images.failure != "" {
		c.Reason, c.Message = v1alpha1.FailedReason, images.failure
	}
	// The transition that was just written never happened.
	for _, before := range p.Status.Conditions {
		if before.Type == c.Type && before.Status == c.Status {
			c.LastTransitionTime = before.LastTransitionTime
		}
	}
	meta.RemoveStatusCondition(&status.Conditions, c.Type)
	meta.SetStatusCondition(&status.Conditions, c)
}
