// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package capacity_test

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/hoist-dev/hoist/api/capacity"
)

// yamlOf reads one object.
func yamlOf[T any](t testing.TB, text string) T {
	t.Helper()
	var into T
	if err := yaml.UnmarshalStrict([]byte(text), &into); err != nil {
		t.Fatal(err)
	}
	return into
}

// world has two nodes with 8 and 4 GPUs of 80 GiB, one of them cut into, and one without.
func world(t testing.TB) capacity.World {
	t.Helper()
	node := func(name, labels, taints, allocatable string) corev1.Node {
		return yamlOf[corev1.Node](t, fmt.Sprintf(`{metadata: {name: %s, labels: {kubernetes.io/hostname: %s, %s}}, spec: {taints: [%s]}, `+
			`status: {conditions: [{type: Ready, status: "True"}], allocatable: {pods: 110, cpu: 64, memory: 512Gi, %s}}}`, name, name, labels, taints, allocatable))
	}
	gpu := "{key: nvidia.com/gpu, value: present, effect: NoSchedule}"
	return capacity.World{
		Nodes: []corev1.Node{
			node("gpu-b", "nvidia.com/gpu.memory: 81559", gpu, "nvidia.com/gpu: 4"),
			node("gpu-a", "nvidia.com/gpu.memory: 81559", gpu, "nvidia.com/gpu: 8"),
			node("cpu", "a: b", "", "example.com/x: 1"),
		},
		Pods: []corev1.Pod{
			yamlOf[corev1.Pod](t, `{metadata: {namespace: b, name: busy}, spec: {nodeName: gpu-a, containers: [{name: a, resources: {limits: {nvidia.com/gpu: 3}, requests: {nvidia.com/gpu: 3, cpu: 8}}}]}}`),
			yamlOf[corev1.Pod](t, `{metadata: {namespace: b, name: over}, status: {phase: Succeeded}, spec: {nodeName: gpu-b, containers: [{name: a, resources: {requests: {nvidia.com/gpu: 4}}}]}}`),
		},
	}
}

const tolerates = "tolerations: [{key: nvidia.com/gpu, operator: Exists}]"

func pod(t testing.TB, gpus int, more string) *corev1.Pod {
	t.Helper()
	p := yamlOf[corev1.Pod](t, fmt.Sprintf(`{metadata: {namespace: team-a, labels: {app: llama}}, spec: {containers: [{name: server, resources: {limits: {nvidia.com/gpu: %d}, requests: {cpu: 4, memory: 64Gi}}}], %s}}`, gpus, more))
	return &p
}

func quota(t testing.TB, hard, used, more string) corev1.ResourceQuota {
	t.Helper()
	return yamlOf[corev1.ResourceQuota](t, fmt.Sprintf(`{metadata: {name: team}, spec: {hard: {%s}, %s}, status: {used: {%s}}}`, hard, more, used))
}

func says(a capacity.Answer) string {
	var why []string
	for _, w := range a.Stops {
		why = append(why, w.String())
	}
	return fmt.Sprintf("%d more, %d stranded; %s", a.More, a.Stranded, strings.Join(why, ", "))
}

func TestFit_SaysWhatStopsTheNext(t *testing.T) {
	t.Parallel()
	memory := func(mib string) string {
		return "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: nvidia.com/gpu.memory, operator: Gt, values: ['" + mib + "']}]}]}}}"
	}
	apart := "affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: llama}}}]}}"
	for name, row := range map[string]struct {
		pod    *corev1.Pod
		change func(*capacity.World)
		want   string
	}{
		"GPUs":          {pod(t, 1, tolerates), nil, "9 more, 0 stranded; nvidia.com/gpu on 2 nodes, no nvidia.com/gpu on 1 node"},
		"fragmentation": {pod(t, 3, tolerates), nil, "2 more, 3 stranded; nvidia.com/gpu on 2 nodes, no nvidia.com/gpu on 1 node"},
		"taint":         {pod(t, 1, "restartPolicy: Always"), nil, "0 more, 0 stranded; the taint nvidia.com/gpu=present:NoSchedule on 2 nodes, no nvidia.com/gpu on 1 node"},
		"VRAM":          {pod(t, 1, tolerates+", "+memory("90000")), nil, "0 more, 0 stranded; VRAM on 3 nodes"},
		"VRAM, enough":  {pod(t, 4, tolerates+", "+memory("80000")), nil, "2 more, 1 stranded; nvidia.com/gpu on 2 nodes, VRAM on 1 node"},
		"selector":      {pod(t, 1, tolerates+", nodeSelector: {kubernetes.io/hostname: gpu-b}"), nil, "4 more, 0 stranded; nvidia.com/gpu on 1 node, node selector or affinity on 2 nodes"},
		"CPU": {pod(t, 1, tolerates), func(w *capacity.World) {
			w.Pods[0].Spec.Containers[0].Resources.Requests["cpu"] = yamlOf[corev1.Node](t, `{status: {allocatable: {cpu: 60500m}}}`).Status.Allocatable["cpu"]
		}, "4 more, 5 stranded; cpu on 1 node, nvidia.com/gpu on 1 node, no nvidia.com/gpu on 1 node"},
		"memory": {pod(t, 0, "nodeSelector: {a: b}"), nil, "8 more, 0 stranded; memory on 1 node, the taint nvidia.com/gpu=present:NoSchedule on 2 nodes"},
		"cordoned": {pod(t, 1, tolerates), func(w *capacity.World) { w.Nodes[0].Spec.Unschedulable = true; w.Nodes[1].Status.Conditions = nil },
			"0 more, 0 stranded; not Ready or cordoned on 2 nodes, no nvidia.com/gpu on 1 node"},
		"apart": {pod(t, 1, tolerates+", "+apart), nil, "2 more, 7 stranded; one pod a node on 2 nodes, no nvidia.com/gpu on 1 node"},
		"apart, and one is there": {pod(t, 1, tolerates+", "+apart), func(w *capacity.World) {
			w.Pods[0].Namespace, w.Pods[0].Labels = "team-a", map[string]string{"app": "llama"}
		},
			"1 more, 8 stranded; one pod a node on 2 nodes, no nvidia.com/gpu on 1 node"},
		"apart in another namespace": {pod(t, 1, tolerates+", "+apart), func(w *capacity.World) { w.Pods[0].Labels = map[string]string{"app": "llama"} },
			"2 more, 7 stranded; one pod a node on 2 nodes, no nvidia.com/gpu on 1 node"},
		"quota": {pod(t, 2, tolerates), func(w *capacity.World) {
			w.Quotas = append(w.Quotas, quota(t, "requests.nvidia.com/gpu: 8, pods: 100", "requests.nvidia.com/gpu: 5, pods: 1", ""))
		}, "1 more, 1 stranded; the quota team of requests.nvidia.com/gpu"},
		"quota of other pods": {pod(t, 2, tolerates), func(w *capacity.World) {
			w.Quotas = append(w.Quotas, quota(t, "requests.nvidia.com/gpu: 0", "requests.nvidia.com/gpu: 0", "scopeSelector: {matchExpressions: [{scopeName: PriorityClass, operator: In, values: [batch]}]}"))
		}, "4 more, 1 stranded; nvidia.com/gpu on 2 nodes, no nvidia.com/gpu on 1 node"},
		"quota that is overdrawn": {pod(t, 2, tolerates), func(w *capacity.World) {
			w.Quotas = append(w.Quotas, quota(t, "limits.cpu: 1, pods: 3", "pods: 5", ""))
		}, "0 more, 1 stranded; the quota team of pods"},
		"no nodes": {pod(t, 1, tolerates), func(w *capacity.World) { w.Nodes = nil }, "0 more, 0 stranded; there are no nodes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := world(t)
			if row.change != nil {
				row.change(&w)
			}
			if got := says(capacity.Fit(row.pod, w)); got != row.want {
				t.Errorf("it says\n%s\nwant\n%s", got, row.want)
			}
		})
	}
}
