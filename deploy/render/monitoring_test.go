// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// A ServiceMonitor finds the Service of its component, by labels and by the port's name, and the Service its pods.
func TestServiceMonitor_FindsTheMetricsOfItsPods(t *testing.T) {
	t.Parallel()
	all := objects(t, chart(t, "serviceMonitor.enabled=true", "serviceMonitor.labels.release=prometheus"))
	found := map[string]bool{}
	for _, m := range only[*serviceMonitor](all) {
		if m.Labels["release"] != "prometheus" {
			t.Errorf("%s has the labels %v", m.Name, m.Labels)
		}
		selector, err := metav1.LabelSelectorAsSelector(&m.Spec.Selector)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range only[*corev1.Service](all) {
			if s.Namespace != m.Namespace || !selector.Matches(labels.Set(s.Labels)) {
				continue
			}
			if len(m.Spec.Endpoints) != 1 || len(s.Spec.Ports) != 1 || m.Spec.Endpoints[0].Port != s.Spec.Ports[0].Name {
				continue // the webhook's
			}
			for name, pod := range templates(all) {
				if labels.SelectorFromSet(s.Spec.Selector).Matches(labels.Set(pod.Labels)) {
					port := pod.Spec.Containers[0].Ports[0]
					found[m.Name+" "+name] = port.Name == s.Spec.Ports[0].TargetPort.StrVal && port.ContainerPort == s.Spec.Ports[0].Port
				}
			}
		}
	}
	if diff := cmp.Diff(map[string]bool{"hoist-agent hoist-agent": true, "hoist-controller hoist-controller": true}, found); diff != "" {
		t.Error(diff)
	}
}
