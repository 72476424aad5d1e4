// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/yaml"

	"github.com/hoist-dev/hoist/scaler/doctor"
)

const aScaledObject = `{apiVersion: keda.sh/v1alpha1, kind: ScaledObject, metadata: {name: web, namespace: team-a}, spec: {scaleTargetRef: {name: web}, minReplicaCount: 1, maxReplicaCount: 4,
  fallback: {failureThreshold: 3, replicas: 2, behavior: currentReplicasIfHigher}, advanced: {horizontalPodAutoscalerConfig: {behavior: {scaleDown: {stabilizationWindowSeconds: 600}}}},
  triggers: [{type: prometheus, metadata: {serverAddress: "http://prometheus:9090", ignoreNullValues: "false", query: "sum(vllm:num_requests_running) + sum(vllm:num_requests_waiting)"}}]}}`

func TestDoctor_ReadsAFileWithoutACluster(t *testing.T) {
	t.Parallel()
	f := newFakeCluster(t, interceptor.Funcs{})
	sound, bad := filepath.Join(t.TempDir(), "sound.yaml"), filepath.Join(t.TempDir(), "sick.yaml")
	for path, content := range map[string]string{sound: aScaledObject, bad: "kind: Deployment\napiVersion: apps/v1\n---\n" + strings.ReplaceAll(aScaledObject, "minReplicaCount: 1", "minReplicaCount: 0")} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o := f.run("doctor", "-f", sound)
	o.want(t, exitOK)
	o.says(t, "1 ScaledObject(s) looked at, 0 finding(s)")
	o = f.run("doctor", "--file", bad)
	o.want(t, exitFailure, "1 of what was found is an Error")
	o.says(t, "ERROR  team-a/web: minReplicaCount is 0, and all that it scales on comes of its own pods [cannot-wake]", "  why: ", "      minReplicaCount: 1")
	o = f.run("doctor", "-f", bad, "-o", "json")
	var found []doctor.Finding
	if err := json.Unmarshal([]byte(o.stdout), &found); err != nil || found[0].Check != "cannot-wake" || o.code != exitFailure {
		t.Errorf("%v, %d, %s", err, o.code, o.stdout)
	}
	f.run("doctor", "-f", bad, "-o", "yaml").want(t, exitUsage, "want json")
	f.run("doctor", "-f", filepath.Join(t.TempDir(), "none")).want(t, exitUsage, "none")
}

func TestDoctor_LooksAtACluster(t *testing.T) {
	t.Parallel()
	so := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(aScaledObject), &so.Object); err != nil {
		t.Fatal(err)
	}
	d := &appsv1.Deployment{ObjectMeta: named("web"), Status: appsv1.DeploymentStatus{Replicas: 1}}
	d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "vllm", Resources: corev1.ResourceRequirements{Limits: corev1.ResourceList{"nvidia.com/gpu": resource.MustParse("2")}}}}
	quota := &corev1.ResourceQuota{ObjectMeta: named("gpus"), Spec: corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{"requests.nvidia.com/gpu": resource.MustParse("5")}},
		Status: corev1.ResourceQuotaStatus{Used: corev1.ResourceList{"requests.nvidia.com/gpu": resource.MustParse("2")}}}
	f := newFakeCluster(t, interceptor.Funcs{}, so, d, quota)
	o := f.plugin("doctor", "web")
	o.want(t, exitFailure)
	o.says(t, "the quota gpus of requests.nvidia.com/gpu admits 2 replicas, and maxReplicaCount is 4 [quota-too-small]", "maxReplicaCount: 2")
	f.plugin("doctor", "other").want(t, exitFailure, "there is no ScaledObject other in namespace team-a")
	if err := f.Delete(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	f.plugin("doctor", "-A").says(t, "there is no Deployment web [target-missing]")
}

// sick is a target of two GPUs a replica, in a queue of Kueue's, on two nodes of which each has one GPU left; KEDA is an old one.
func sick(t *testing.T, more ...string) []client.Object {
	t.Helper()
	all := []client.Object{}
	for document := range strings.SplitSeq(strings.Join(append(more, aScaledObject, `
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: other, namespace: team-a}
spec: {scaleTargetRef: {name: web}, minReplicaCount: 1}
`, `
apiVersion: kueue.x-k8s.io/v1beta2
kind: LocalQueue
metadata: {name: q, namespace: team-a}
spec: {clusterQueue: gpus}
`, `
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: gpus}
spec: {resourceGroups: [{coveredResources: [nvidia.com/gpu], flavors: [{name: h100, resources: [{name: nvidia.com/gpu, nominalQuota: 6}]}]}]}
`, `
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1beta1.external.metrics.k8s.io}
spec: {service: {name: cluster-agent, namespace: datadog}}
`), "\n---\n"), "\n---\n") {
		u := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(document), &u.Object); err != nil {
			t.Fatal(err)
		}
		all = append(all, u)
	}
	labels := map[string]string{"app": "web", "kueue.x-k8s.io/queue-name": "q"}
	two := corev1.ResourceRequirements{Limits: corev1.ResourceList{"nvidia.com/gpu": resource.MustParse("2")}}
	d := &appsv1.Deployment{ObjectMeta: named("web"), Status: appsv1.DeploymentStatus{Replicas: 1}}
	d.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}
	d.Spec.Template.Labels = labels
	d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "vllm", Resources: two}}
	gated := &corev1.Pod{ObjectMeta: named("web-6d4f-abcde")}
	gated.Labels, gated.Spec.SchedulingGates = labels, []corev1.PodSchedulingGate{{Name: "kueue.x-k8s.io/admission"}}
	gated.Spec.Containers = d.Spec.Template.Spec.Containers
	gated.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonSchedulingGated}}
	keda := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "autoscaling", Name: "keda-operator", Labels: map[string]string{"app.kubernetes.io/version": "2.20.2"}}}
	keda.Spec.Template.Spec.Containers = []corev1.Container{{Name: "proxy", Image: "envoy:1.30"}, {Name: "keda-operator", Image: "ghcr.io/kedacore/keda:2.18.3@sha256:0123"}}
	all = append(all, d, gated, keda)
	for _, name := range []string{"gpu-1", "gpu-2"} {
		n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}
		n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
		n.Status.Allocatable = corev1.ResourceList{"nvidia.com/gpu": resource.MustParse("1"), "pods": resource.MustParse("10")}
		all = append(all, n)
	}
	return all
}

func TestDoctor_KnowsKueueKEDAAndWhatFits(t *testing.T) {
	t.Parallel()
	f := newFakeCluster(t, interceptor.Funcs{}, sick(t)...)
	o := f.plugin("doctor")
	o.want(t, exitFailure)
	o.says(t, "ERROR  team-a/web: Kueue's ClusterQueue gpus of nvidia.com/gpu admits 3 replicas at the most, and maxReplicaCount is 4 [kueue-quota-too-small]", "nominalQuota: 8",
		"ERROR  team-a/web: 1 of its pods are SchedulingGated, by kueue.x-k8s.io/admission [pods-gated]",
		"WARNING  team-a/web: 2 GPUs are free where no 2 are together [gpus-fragmented]",
		"WARNING  KEDA: it is release 2.18.3, older than 2.20.2 [keda-old]",
		"ERROR  KEDA: external metrics are answered by the Service datadog/cluster-agent, which is not KEDA's [external-metrics-taken]")
	if n := strings.Count(o.stdout, "[keda-old]"); n != 1 {
		t.Errorf("what is wrong with KEDA is told %d times", n)
	}
}

// Who may read little is told what can be told, and of KEDA that it is not known.
func TestDoctor_IsSilentOnWhatItMayNotRead(t *testing.T) {
	t.Parallel()
	no := func(kind string) error {
		return apierrors.NewForbidden(schema.GroupResource{Resource: kind}, "", errors.New("not yours"))
	}
	own := func(o any) bool {
		switch o := o.(type) {
		case *appsv1.Deployment, *corev1.ResourceQuotaList:
			return true
		case *unstructured.UnstructuredList:
			return o.GetKind() == "ScaledObjectList"
		}
		return false
	}
	f := newFakeCluster(t, interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
			if !own(o) || key.Namespace != "team-a" {
				return no("things")
			}
			return c.Get(ctx, key, o, opts...)
		},
		List: func(ctx context.Context, c client.WithWatch, l client.ObjectList, opts ...client.ListOption) error {
			if !own(l) {
				return no("things")
			}
			return c.List(ctx, l, opts...)
		},
	}, sick(t)...)
	o := f.plugin("doctor", "web")
	o.want(t, exitOK)
	o.says(t, "NOTE  KEDA: its release is not known: read the Deployment keda/keda-operator", "1 ScaledObject(s) looked at, 1 finding(s)")
}

// A StatefulSet has no condition for pods that can't be made, but an event.
func TestDoctor_SaysWhyAStatefulSetHasNoPods(t *testing.T) {
	t.Parallel()
	so := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(strings.ReplaceAll(aScaledObject, "{name: web}", "{kind: StatefulSet, name: web}")), &so.Object); err != nil {
		t.Fatal(err)
	}
	two := int32(2)
	set := &appsv1.StatefulSet{ObjectMeta: named("web"), Spec: appsv1.StatefulSetSpec{Replicas: &two}, Status: appsv1.StatefulSetStatus{Replicas: 1}}
	e := &corev1.Event{ObjectMeta: named("web.1"), InvolvedObject: corev1.ObjectReference{Name: "web"}, Reason: "FailedCreate", Message: "pods web-1 is forbidden: exceeded quota: gpus"}
	f := newFakeCluster(t, interceptor.Funcs{}, so, set, e)
	o := f.plugin("doctor", "web")
	o.want(t, exitFailure)
	o.says(t, "its pods can't be made: pods web-1 is forbidden: exceeded quota: gpus [pods-not-made]", "maxReplicaCount: 1")
}
