// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package view_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hoist-dev/hoist/api/capacity"
	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/prefetch/plan"
	"github.com/hoist-dev/hoist/prefetch/view"
)

// waiting is a pod of team-a on gpu-3 that waits for llama3-8b, and all that is about it.
func waiting(change func(*view.Scene)) view.Scene {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "web-0"}}
	pod.Spec.NodeName = "gpu-3"
	pod.Spec.Volumes = []corev1.Volume{{Name: "tmp"}, {Name: "model"}}
	pod.Spec.Volumes[1].CSI = &corev1.CSIVolumeSource{Driver: v1alpha1.Driver, VolumeAttributes: map[string]string{"model": "llama3-8b"}}
	pod.Status.Phase = corev1.PodPending
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "server", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}}}}
	m, c := model("llama3-8b"), cacheNode("gpu-3")
	s := view.Scene{Pod: pod, Models: map[plan.Key]*v1alpha1.Model{{Namespace: "team-a", Name: "llama3-8b"}: &m}, CacheNode: &c,
		CSINode: &storagev1.CSINode{Spec: storagev1.CSINodeSpec{Drivers: []storagev1.CSINodeDriver{{Name: "ebs.csi.aws.com"}, {Name: v1alpha1.Driver}}}},
		Now:     now, Silence: options().Silence}
	if change != nil {
		change(&s)
	}
	return s
}

func its(s *view.Scene) *v1alpha1.Model {
	return s.Models[plan.Key{Namespace: "team-a", Name: "llama3-8b"}]
}

func holds(m v1alpha1.HeldModel) func(*view.Scene) {
	return func(s *view.Scene) { s.CacheNode.Status.Models = []v1alpha1.HeldModel{m} }
}

func event(reason, kind, message string, past time.Duration) corev1.Event {
	return corev1.Event{Reason: reason, Type: kind, Message: message, LastTimestamp: ago(past)}
}

func running(ready metav1.ConditionStatus) func(*view.Scene) {
	return func(s *view.Scene) {
		s.Pod.Status.Phase = corev1.PodRunning
		s.Pod.Status.ContainerStatuses[0].State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
		s.Pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionStatus(ready), Reason: "ContainersNotReady",
			Message: "containers with unready status: [server]"}}
	}
}

const mountFailed = `MountVolume.SetUp failed for volume "model" : rpc error: code = Unavailable desc = model team-a/llama3-8b is not on this node yet: 1.0 of 16.1 GB are here`

func TestWhy_SaysWhatAPodWaitsFor(t *testing.T) {
	t.Parallel()
	failed := held("llama3-8b", v1alpha1.FailedPhase)
	failed.Message = "no space: 3.0 GiB are lacking"
	old := held("llama3-8b", v1alpha1.ReadyPhase)
	old.Revision = "sha256:ffff"
	unknown := held("llama3-8b", v1alpha1.FetchingPhase)
	unknown.BytesPerSecond, unknown.RemainingSeconds = -1, -1
	for name, test := range map[string]struct {
		change func(*view.Scene)
		want   string
	}{
		"fetching":          {holds(held("llama3-8b", v1alpha1.FetchingPhase)), "pod team-a/web-0 waits for model llama3-8b on node gpu-3: 11.0Gi of 15.0Gi are there, 300.0Mi/s, 14s left"},
		"fetching, no pace": {holds(unknown), "pod team-a/web-0 waits for model llama3-8b on node gpu-3: 11.0Gi of 15.0Gi are there"},
		"pending":           {holds(held("llama3-8b", v1alpha1.PendingPhase)), "pod team-a/web-0 waits for model llama3-8b on node gpu-3: the download has not begun"},
		"nothing known":     {nil, "pod team-a/web-0 waits for model llama3-8b on node gpu-3: the download has not begun"},
		"failed":            {holds(failed), "pod team-a/web-0 waits for model llama3-8b on node gpu-3, which can't get it: no space: 3.0 GiB are lacking"},
		"another revision":  {holds(old), "pod team-a/web-0 waits for model llama3-8b on node gpu-3: the download has not begun"},
		"told by the agent": {func(s *view.Scene) {
			s.Events = []corev1.Event{event("FailedMount", "Warning", mountFailed, time.Minute),
				event("FetchingModel", "Normal", "model llama3-8b: 12.3 of 16.1 GB are here, 310 MB/s, 12s left", time.Second),
				event("FetchingModel", "Normal", "model other: 1.0 of 2.0 GB are here", 0)}
		}, "pod team-a/web-0 waits for model llama3-8b on node gpu-3: 12.3 of 16.1 GB are here, 310 MB/s, 12s left"},
		"told by the kubelet": {func(s *view.Scene) {
			s.Events = []corev1.Event{event("FailedMount", "Warning", mountFailed, time.Minute)}
		},
			"pod team-a/web-0 waits for model llama3-8b on node gpu-3: model team-a/llama3-8b is not on this node yet: 1.0 of 16.1 GB are here"},
		"no model": {func(s *view.Scene) { clear(s.Models) }, "pod team-a/web-0 waits: there is no Model llama3-8b in namespace team-a"},
		"not named": {func(s *view.Scene) { s.Pod.Spec.Volumes[1].CSI.VolumeAttributes = nil },
			"pod team-a/web-0 waits: its volume model names no model: add the volume attribute model: NAME"},
		"not admitted": {func(s *view.Scene) { its(s).Namespace = "team-b" },
			"pod team-a/web-0 waits: Model team-a/llama3-8b does not allow pods of namespace team-a: add it to its spec.allowedNamespaces"},
		"denied": {func(s *view.Scene) {
			*its(s) = unread("llama3-8b", v1alpha1.SourceDeniedReason, "list s3://models/llama3-8b/: access denied")
		}, "pod team-a/web-0 waits: Model llama3-8b can't be read: list s3://models/llama3-8b/: access denied"},
		"unread":     {func(s *view.Scene) { its(s).Status = v1alpha1.ModelStatus{} }, "pod team-a/web-0 waits: the source of Model llama3-8b has not been read yet"},
		"no agent":   {func(s *view.Scene) { s.CSINode.Spec.Drivers = nil }, "pod team-a/web-0 waits: node gpu-3 has no Hoist agent (csi.hoist.dev is not registered)"},
		"no CSINode": {func(s *view.Scene) { s.CSINode = nil }, "pod team-a/web-0 waits: node gpu-3 has no Hoist agent (csi.hoist.dev is not registered)"},
		"nothing of the node may be read": {func(s *view.Scene) { s.CSINode, s.CacheNode, s.Hidden = nil, nil, true },
			"pod team-a/web-0 waits for model llama3-8b on node gpu-3: the download has not begun"},
		"silent agent": {func(s *view.Scene) { s.CacheNode.Status.ReportedAt = at(time.Hour) },
			"pod team-a/web-0 waits for model llama3-8b on node gpu-3: its agent has not reported for 60m: is the node up, and its hoist-agent pod?"},
		"about to start": {holds(held("llama3-8b", v1alpha1.ReadyPhase)), "pod team-a/web-0 is about to start: model llama3-8b is on node gpu-3, and its kubelet mounts it"},
		"another volume": {func(s *view.Scene) {
			holds(held("llama3-8b", v1alpha1.ReadyPhase))(s)
			s.Events = []corev1.Event{event("FailedMount", "Warning", `MountVolume.SetUp failed for volume "config" : configmap "x" not found`, time.Second)}
		}, `pod team-a/web-0 waits, though model llama3-8b is on node gpu-3: MountVolume.SetUp failed for volume "config" : configmap "x" not found`},
		"unscheduled": {func(s *view.Scene) {
			s.Pod.Spec.NodeName = ""
			s.Pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Message: "0/5 nodes are available: 5 Insufficient nvidia.com/gpu."}}
		}, "pod team-a/web-0 is Pending, without a node: 0/5 nodes are available: 5 Insufficient nvidia.com/gpu."},
		"unscheduled, for want of VRAM": {func(s *view.Scene) {
			s.Pod.Spec.NodeName, s.BiggestGPU = "", 24*gib
			s.Pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Message: "0/3 nodes are available"}}
			s.Pod.Spec.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{
				{MatchExpressions: []corev1.NodeSelectorRequirement{{Key: "nvidia.com/gpu.memory", Operator: corev1.NodeSelectorOpGt, Values: []string{"40959"}}}}}}}}
		}, "pod team-a/web-0 is Pending, without a node: 0/3 nodes are available (each of its GPUs must have 40.0Gi, and the biggest of this cluster has 24.0Gi; the annotation hoist.dev/vram-per-gpu says otherwise)"},
		"unscheduled, GPUs free in vain": {func(s *view.Scene) {
			s.Pod.Spec.NodeName, s.Fit = "", &capacity.Answer{Stranded: 5}
			s.Pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Message: "0/5 nodes are available: 5 Insufficient nvidia.com/gpu."}}
		}, "pod team-a/web-0 is Pending, without a node: 0/5 nodes are available: 5 Insufficient nvidia.com/gpu.; 5 GPUs are free, on nodes of which none has room for this pod"},
		"unscheduled, and no model": {func(s *view.Scene) { s.Pod.Spec.NodeName = ""; clear(s.Models) },
			"pod team-a/web-0 is Pending: the scheduler has not looked at it yet. And when it has one: there is no Model llama3-8b in namespace team-a"},
		"no volume": {func(s *view.Scene) { s.Pod.Spec.Volumes = s.Pod.Spec.Volumes[:1] }, "pod team-a/web-0 has no volume of csi.hoist.dev: Hoist has nothing to do with it"},
		"running":   {running(metav1.ConditionTrue), "pod team-a/web-0 runs; model llama3-8b mounted"},
		"not ready": {running(metav1.ConditionFalse), "pod team-a/web-0 runs, model llama3-8b mounted; it is not Ready yet: ContainersNotReady containers with unready status: [server]"},
		"pulls its image": {func(s *view.Scene) {
			s.Pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReadyToStartContainers, Status: corev1.ConditionTrue}}
			s.Pod.Status.ContainerStatuses[0].State.Waiting = &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "no such image"}
		}, "pod team-a/web-0 has its model llama3-8b mounted; it waits for container server: ImagePullBackOff no such image"},
		"ended":   {func(s *view.Scene) { s.Pod.Status.Phase = corev1.PodSucceeded }, "pod team-a/web-0 has ended: Succeeded"},
		"deleted": {func(s *view.Scene) { s.Pod.DeletionTimestamp = at(time.Second) }, "pod team-a/web-0 is being deleted"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := view.Why(waiting(test.change)); got != test.want {
				t.Errorf("it says\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}
