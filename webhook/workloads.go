// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/hoist-dev/hoist/webhook/carry"
	"github.com/hoist-dev/hoist/webhook/inject"
)

// Workloads admits what makes pods: annotations at its top are carried to its pods, and its author is told now what the pods would be
// told when nobody looks.
type Workloads struct {
	Reader client.Reader // a cache of Models and nodes
}

// Handle implements admission.Handler. It refuses nothing that can be read.
func (w *Workloads) Handle(ctx context.Context, request admission.Request) admission.Response {
	workload, old := &unstructured.Unstructured{}, (*unstructured.Unstructured)(nil)
	if err := json.Unmarshal(request.Object.Raw, &workload.Object); err != nil {
		return admission.Errored(http.StatusBadRequest, fmt.Errorf("read the %s: %w", request.Kind.Kind, err))
	}
	if len(request.OldObject.Raw) > 0 {
		old = &unstructured.Unstructured{}
		if err := json.Unmarshal(request.OldObject.Raw, &old.Object); err != nil {
			return admission.Errored(http.StatusBadRequest, fmt.Errorf("read the old %s: %w", request.Kind.Kind, err))
		}
	}
	before := workload.DeepCopy()
	carry.Down(workload, old)
	patch, err := difference(before.Object, workload.Object)
	if err != nil {
		return open(ctx, err)
	}
	return admission.Patched("", patch...).WithWarnings(w.warnings(ctx, workload, request.Namespace)...)
}

// warnings are those of the pods that a workload would make.
func (w *Workloads) warnings(ctx context.Context, workload *unstructured.Unstructured, namespace string) []string {
	template, ok, err := unstructured.NestedMap(workload.Object, "spec", "template")
	if !ok || err != nil {
		return nil
	}
	var pod corev1.PodTemplateSpec
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(template, &pod); err != nil || !inject.Asks(pod.Annotations) {
		return nil
	}
	known, err := facts(ctx, w.Reader, pod.Annotations, namespace)
	if err != nil {
		return nil
	}
	_, warnings := inject.Pod(&corev1.Pod{ObjectMeta: pod.ObjectMeta, Spec: pod.Spec}, namespace, known)
	return warnings
}
