// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package inject_test

import (
	"testing"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/webhook/inject"
)

// A pod of a Model that lies as the Hub's cache finds it under its own name; what the pod says itself stays.
func TestPod_TellsTheHubsLibrariesWhereTheirCacheIs(t *testing.T) {
	t.Parallel()
	facts := known("llama")
	facts.Model.Spec.Layout = &v1alpha1.Layout{HuggingFace: &v1alpha1.HuggingFaceLayout{Repo: "o/r"}}
	for env, want := range map[string]string{"": "/models/llama/hub", ", env: [{name: HF_HUB_CACHE, value: /own}]": "/own"} {
		pod, _ := inject.Pod(served(t, "hoist.dev/model: llama", "image: python, command: [serve, o/r]"+env), "team-a", facts)
		got := map[string]string{}
		for _, e := range pod.Spec.Containers[0].Env {
			got[e.Name] = e.Value
		}
		if got["HF_HUB_CACHE"] != want || got["HF_HUB_OFFLINE"] != "1" {
			t.Errorf("%q: %v", env, got)
		}
	}
	pod, _ := inject.Pod(served(t, "hoist.dev/model: llama", "image: python, command: [serve, /models/llama]"), "team-a", known("llama"))
	for _, e := range pod.Spec.Containers[0].Env {
		if e.Name == "HF_HUB_CACHE" {
			t.Error("a Model that lies as it is at its source has a cache of the Hub's")
		}
	}
}
