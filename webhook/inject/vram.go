// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package inject

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/hoist-dev/hoist/api/inference"
	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// weightsPerGPU are the bytes of the Model's weights that land on each GPU of the server.
func weightsPerGPU(r *Request, m *v1alpha1.Model, c *corev1.Container, s *inference.Server) int64 {
	switch {
	case r.WeightsPerGPU != nil:
		return r.WeightsPerGPU.Value()
	case m == nil:
		return 0
	}
	return m.Status.WeightBytes * inference.Widened(c) / s.Share(c)
}

// beside is what a server needs in VRAM beside its weights, at the least: activations, and a key-value cache for one long request.
const beside = 1 << 30

// vramPerGPU is the memory that each GPU of the server must have: what was said, or its weights, a tenth for the run time's own, and a
// gigabyte. 0 is unknown.
func vramPerGPU(r *Request, weights int64) int64 {
	switch {
	case r.VRAM != nil:
		return r.VRAM.Value()
	case weights == 0:
		return 0
	}
	return weights + weights/10 + beside
}
