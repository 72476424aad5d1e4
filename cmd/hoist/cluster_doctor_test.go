// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
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
