// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package inject

import (
	"path"

	corev1 "k8s.io/api/core/v1"
)

// layOut tells the Hugging Face libraries in a container where the model is, if it lies there as their cache has it. HF_HUB_CACHE and
// not HF_HOME: they write other things to the latter, and the mount is read-only.
func (i *injection) layOut(c *corev1.Container, at string) {
	model := i.facts.Model
	if model == nil || model.Spec.Layout == nil || model.Spec.Layout.HuggingFace == nil {
		return
	}
	addEnv(c, "HF_HUB_CACHE", path.Join(at, "hub"))
	addEnv(c, "HF_HUB_OFFLINE", "1")
}
