// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package capacity_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/hoist-dev/hoist/api/capacity"
	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// Placeholders make way; what only calls itself one, and would not, is counted.
func TestFirm_LeavesOutWhatMakesWay(t *testing.T) {
	t.Parallel()
	below, zero := int32(-10), int32(0)
	pod := func(name, label string, priority *int32) corev1.Pod {
		p := corev1.Pod{Spec: corev1.PodSpec{Priority: priority}}
		p.Name, p.Labels = name, map[string]string{label: "x"}
		return p
	}
	pods := []corev1.Pod{pod("placeholder", v1alpha1.PlaceholderLabel, &below), pod("batch", "app", &below), pod("liar", v1alpha1.PlaceholderLabel, &zero), pod("unknown", v1alpha1.PlaceholderLabel, nil)}
	firm := capacity.Firm(pods)
	if len(firm) != 3 || firm[0].Name != "batch" || firm[1].Name != "liar" || firm[2].Name != "unknown" || len(pods) != 4 || pods[0].Name != "placeholder" {
		t.Errorf("firm are %v of %v", firm, pods)
	}
}

func TestAnswer_Room(t *testing.T) {
	t.Parallel()
	a := capacity.Answer{Nodes: []capacity.Node{{Name: "a"}, {Name: "b", More: 2}}}
	for node, room := range map[string]bool{"a": false, "b": true, "c": false} {
		if a.Room(node) != room {
			t.Errorf("room on %s: %v", node, !room)
		}
	}
}
