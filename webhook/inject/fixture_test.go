// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package inject_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/webhook/inject"
)

// known is a cluster that has a Model of 70 billion parameters, and says how much memory GPUs have.
func known(name string) inject.Facts {
	m := &v1alpha1.Model{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: name}}
	m.Status.Revision, m.Status.Bytes, m.Status.WeightBytes = "sha256:00", 141e9, 140e9
	return inject.Facts{Model: m, MemoryLabels: true}
}

// podOf reads a pod.
func podOf(t *testing.T, text string) *corev1.Pod {
	t.Helper()
	pod := &corev1.Pod{}
	if err := yaml.UnmarshalStrict([]byte(text), pod); err != nil {
		t.Fatal(err)
	}
	return pod
}

// served is the pod of a server, as one writes it by hand.
func served(t *testing.T, annotations, container string) *corev1.Pod {
	t.Helper()
	return podOf(t, "metadata: {name: web, namespace: team-a, annotations: {"+annotations+"}}\nspec: {containers: [{name: server, "+container+"}]}\n")
}
