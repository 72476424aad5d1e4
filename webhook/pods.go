// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"gomodules.xyz/jsonpatch/v2"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/hoist-dev/hoist/webhook/inject"
)

// Pods admits pods, with the model that they ask for.
type Pods struct {
	Reader client.Reader // a cache of Models and nodes
}

// Handle implements admission.Handler. It refuses nothing that can be read.
func (p *Pods) Handle(ctx context.Context, request admission.Request) admission.Response {
	var pod corev1.Pod
	if err := json.Unmarshal(request.Object.Raw, &pod); err != nil {
		return admission.Errored(http.StatusBadRequest, fmt.Errorf("read the pod: %w", err))
	}
	known, err := facts(ctx, p.Reader, pod.Annotations, request.Namespace)
	if err != nil {
		return open(ctx, err)
	}
	after, warnings := inject.Pod(&pod, request.Namespace, known)
	patch, err := difference(&pod, after)
	if err != nil {
		return open(ctx, err)
	}
	return admission.Patched("", patch...).WithWarnings(warnings...)
}

// open lets an object in as it is.
func open(ctx context.Context, err error) admission.Response {
	log.FromContext(ctx).Error(err, "admitted as it is")
	return admission.Allowed("").WithWarnings("no model is mounted: " + err.Error())
}

// difference is what makes after of before. Fields of before that this build does not know are in neither, and so they stay.
func difference(before, after any) ([]jsonpatch.Operation, error) {
	was, err := json.Marshal(before)
	if err != nil {
		return nil, err
	}
	is, err := json.Marshal(after)
	if err != nil {
		return nil, err
	}
	return jsonpatch.CreatePatch(was, is)
}
