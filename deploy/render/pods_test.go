// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// What a cluster asks of every pod arrives in both workloads, beside what Hoist needs.
func TestPods_HaveWhatTheClusterAsksFor(t *testing.T) {
	t.Parallel()
	const each = `COMPONENT.env[0].name=KEY,COMPONENT.env[0].valueFrom.secretKeyRef.name=s,COMPONENT.env[0].valueFrom.secretKeyRef.key=k,COMPONENT.tolerations[0].key=spot,` +
		`COMPONENT.tolerations[0].operator=Exists,COMPONENT.nodeSelector.pool=gpu,COMPONENT.podAnnotations.example\.com/a=b,COMPONENT.podLabels.team=ml,` +
		`COMPONENT.serviceAccount.annotations.role=r,COMPONENT.priorityClassName=high,COMPONENT.resources.limits.memory=1Gi,` +
		`COMPONENT.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchFields[0].key=metadata.name`
	set := []string{"imagePullSecrets[0].name=registry"}
	for _, component := range []string{"agent", "controller"} {
		set = append(set, strings.Split(strings.ReplaceAll(each, "COMPONENT", component), ",")...)
	}
	all := objects(t, chart(t, set...))
	for name, pod := range templates(all) {
		spec, container := pod.Spec, pod.Spec.Containers[0]
		arrived := map[string]bool{
			"env": slices.ContainsFunc(container.Env, func(e corev1.EnvVar) bool { return e.Name == "KEY" && e.ValueFrom.SecretKeyRef.Key == "k" }),
			"own env": slices.ContainsFunc(container.Env, func(e corev1.EnvVar) bool {
				return slices.Contains([]string{"NODE_NAME", "POD_NAMESPACE"}, e.Name) && e.ValueFrom.FieldRef != nil
			}),
			"toleration":      cmp.Equal(spec.Tolerations, []corev1.Toleration{{Key: "spot", Operator: corev1.TolerationOpExists}}),
			"node selector":   spec.NodeSelector["pool"] == "gpu" && spec.NodeSelector["kubernetes.io/os"] == "linux",
			"annotation":      pod.Annotations["example.com/a"] == "b",
			"label":           pod.Labels["team"] == "ml" && pod.Labels["app.kubernetes.io/component"] != "",
			"priority":        spec.PriorityClassName == "high",
			"pull secret":     cmp.Equal(spec.ImagePullSecrets, []corev1.LocalObjectReference{{Name: "registry"}}),
			"limit":           container.Resources.Limits.Memory().String() == "1Gi" && !container.Resources.Requests.Memory().IsZero(),
			"affinity":        spec.Affinity.NodeAffinity != nil && spec.Affinity.PodAntiAffinity == nil,
			"service account": spec.ServiceAccountName == name,
		}
		for _, account := range only[*corev1.ServiceAccount](all) {
			arrived["annotation of "+account.Name] = account.Annotations["role"] == "r"
		}
		for what, ok := range arrived {
			if !ok {
				t.Errorf("%s: %s did not arrive", name, what)
			}
		}
	}
}

// Selectors can't be changed later: they are the same whatever the values say, and match their pods.
func TestPods_AreSelectedByWhatNeverChanges(t *testing.T) {
	t.Parallel()
	want := selectors(t)
	if diff := cmp.Diff(want, selectors(t, everything...)); diff != "" || len(want) != 2 {
		t.Errorf("%v; with everything on (-default +everything):\n%s", want, diff)
	}
}

func selectors(t *testing.T, set ...string) map[string]map[string]string {
	t.Helper()
	all := objects(t, chart(t, set...))
	found := map[string]map[string]string{}
	for _, d := range only[*appsv1.Deployment](all) {
		found[d.Name] = d.Spec.Selector.MatchLabels
	}
	for _, d := range only[*appsv1.DaemonSet](all) {
		found[d.Name] = d.Spec.Selector.MatchLabels
	}
	for name, pod := range templates(all) {
		if !labels.SelectorFromSet(found[name]).Matches(labels.Set(pod.Labels)) {
			t.Errorf("%s does not select its pods", name)
		}
		for _, label := range []string{"app.kubernetes.io/version", "helm.sh/chart"} {
			if found[name][label] != "" {
				t.Errorf("%s selects by %s, which the next version changes", name, label)
			}
		}
	}
	return found
}
