// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package capacity

import (
	corev1 "k8s.io/api/core/v1"
	helper "k8s.io/component-helpers/resource"
)

// Asked is what a pod asks for as it would be created: a limit stands for a request that is left out.
func Asked(pod *corev1.Pod) corev1.ResourceList {
	return helper.PodRequests(defaulted(pod), helper.PodResourcesOptions{})
}
