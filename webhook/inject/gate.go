// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package inject

import (
	"strconv"

	corev1 "k8s.io/api/core/v1"

	"github.com/hoist-dev/hoist/api/inference"
	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// gate is what the volume says of the weights that the pod's readiness waits for: whoever opens the gate sees no more of the pod.
func (i *injection) gate(c *corev1.Container, kind *inference.Server, weights int64) map[string]string {
	_, explicit := i.pod.Annotations[v1alpha1.ReadinessAnnotation]
	switch {
	case i.Readiness != VRAM && i.Readiness != Continuous:
		return nil
	case !explicit && inference.GPUs(c) == 0:
		return nil // there is nothing to wait for: HTTP alone decides
	}
	attributes := map[string]string{v1alpha1.ReadinessAttribute: string(i.Readiness)}
	if weights > 0 {
		attributes[v1alpha1.WeightsPerGPUAttribute] = strconv.FormatInt(weights, 10)
		attributes[v1alpha1.WeightGPUsAttribute] = strconv.FormatInt(min(kind.Share(c), max(inference.GPUs(c), 1)), 10)
	}
	if kind == nil || !kind.Lazy {
		return attributes
	}
	return i.lazyGate(attributes, explicit, kind.Kind, kind.Port(c))
}

// lazyGate adds who is asked to load, or is nil where nobody would ever ask.
func (i *injection) lazyGate(attributes map[string]string, explicit bool, kind inference.Kind, port int32) map[string]string {
	switch {
	case i.pod.Spec.HostNetwork:
		i.warn("%s loads a model when it is asked for it, and nobody asks a pod on the network of its node: it is Ready before it has the model", kind)
		return nil
	case i.ServedModel == "":
		i.warn("%s loads a model when it is asked for it: name it with %s, and pods have it in VRAM before they are Ready", kind, v1alpha1.ServedModelAnnotation)
		if !explicit {
			return nil
		}
		return attributes
	}
	attributes[v1alpha1.LoadServerAttribute] = string(kind)
	attributes[v1alpha1.LoadPortAttribute] = strconv.Itoa(int(port))
	attributes[v1alpha1.LoadModelAttribute] = i.ServedModel
	return attributes
}
