// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package carry takes the annotations of a workload to the pods that it makes. It is pure.
package carry

import (
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// carried are the annotations that are of pods.
var carried = []string{
	v1alpha1.ModelAnnotation, v1alpha1.MountPathAnnotation, v1alpha1.ContainersAnnotation, v1alpha1.ModeAnnotation, v1alpha1.ServerAnnotation,
	v1alpha1.ReadinessAnnotation, v1alpha1.VRAMAnnotation, v1alpha1.WeightsPerGPUAnnotation, v1alpha1.ServedModelAnnotation,
}

// templates are where a kind keeps the metadata of its pods, as far as an object has it. A KServe InferenceService has annotations beside
// the pod's spec, the others have a template.
var templates = map[schema.GroupKind][][]string{
	{Group: "apps", Kind: "Deployment"}:  {{"spec", "template", "metadata", "annotations"}},
	{Group: "apps", Kind: "StatefulSet"}: {{"spec", "template", "metadata", "annotations"}},
	{Group: "leaderworkerset.x-k8s.io", Kind: "LeaderWorkerSet"}: {
		{"spec", "leaderWorkerTemplate", "leaderTemplate", "metadata", "annotations"},
		{"spec", "leaderWorkerTemplate", "workerTemplate", "metadata", "annotations"},
	},
	{Group: "serving.kserve.io", Kind: "InferenceService"}: {{"spec", "predictor", "annotations"}},
}

// Down carries the annotations at the top of a workload to its pods. old is the workload before, or nil: what was taken away at the top
// goes below, too, if it came from there. What its author wrote below stays.
func Down(workload, old *unstructured.Unstructured) {
	top, before := workload.GetAnnotations(), map[string]string(nil)
	if old != nil {
		before = old.GetAnnotations()
	}
	for _, path := range templates[workload.GroupVersionKind().GroupKind()] {
		below, _, err := unstructured.NestedStringMap(workload.Object, path...)
		if err != nil || !hasTemplate(workload, path) {
			continue // the API server says what is wrong with it
		}
		if below = merge(top, before, below); len(below) == 0 {
			unstructured.RemoveNestedField(workload.Object, path...)
		} else if err := unstructured.SetNestedStringMap(workload.Object, below, path...); err != nil {
			continue
		}
	}
}

// merge is below, with top.
func merge(top, before, below map[string]string) map[string]string {
	for _, name := range carried {
		wanted, want := top[name]
		is, has := below[name]
		was, had := before[name]
		ours := !has || had && is == was
		switch {
		case want && ours:
			if below == nil {
				below = map[string]string{}
			}
			below[name] = wanted
		case !want && has && ours:
			delete(below, name)
		}
	}
	return below
}

// hasTemplate reports whether there is something that could have annotations.
func hasTemplate(workload *unstructured.Unstructured, path []string) bool {
	parent := path[:len(path)-1]
	if i := slices.Index(parent, "metadata"); i >= 0 {
		parent = parent[:i]
	}
	_, ok, err := unstructured.NestedMap(workload.Object, parent...)
	return ok && err == nil
}
