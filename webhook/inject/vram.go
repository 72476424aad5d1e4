// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package inject

import (
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// gpus is how many GPUs a container asks for, whole ones or parts.
func gpus(c *corev1.Container) int64 {
	var sum int64
	for _, list := range []corev1.ResourceList{c.Resources.Limits, c.Resources.Requests} {
		for name, quantity := range list {
			if isGPU(name) {
				sum += quantity.Value()
			}
		}
		if sum > 0 {
			break // requests say the same again
		}
	}
	return sum
}

// isGPU knows NVIDIA's device plugin, which names parts nvidia.com/mig-1g.10gb and shared ones nvidia.com/gpu.shared.
func isGPU(name corev1.ResourceName) bool {
	return name == "nvidia.com/gpu" || strings.HasPrefix(string(name), "nvidia.com/gpu.") || isPart(name)
}

func isPart(name corev1.ResourceName) bool { return strings.HasPrefix(string(name), "nvidia.com/mig-") }

// onParts reports whether a container asks for MIG instances, whose memory no label of a node tells.
func onParts(c *corev1.Container) bool {
	for name := range c.Resources.Limits {
		if isPart(name) {
			return true
		}
	}
	return false
}

// share is on how many GPUs a server spreads the weights: tensor times pipeline parallel. Of a server that nobody knows it is as many
// as it has, which expects the least of each.
func share(c *corev1.Container, d *dialect) int64 {
	const most = 1024
	if d == nil || d.allGPUs {
		return max(gpus(c), 1)
	}
	words := arguments(c)
	tensor := number(words, most, d.tensor...)
	if d.server == TGI && tensor == 0 {
		tensor = number([]string{"n=" + environment(c, "NUM_SHARD")}, most, "n")
	}
	return int64(max(tensor, 1)) * int64(max(number(words, most, d.pipeline...), 1))
}

// widened is how much bigger weights get when they are loaded: 32-bit floats asked for, where files hold 16-bit ones as good as always.
func widened(c *corev1.Container) int64 {
	switch flag(arguments(c), "--dtype") {
	case "float32", "float", "fp32":
		return 2
	}
	return 1
}

// weightsPerGPU are the bytes of the Model's weights that land on each GPU of the server.
func weightsPerGPU(r *Request, m *v1alpha1.Model, c *corev1.Container, d *dialect) int64 {
	switch {
	case r.WeightsPerGPU != nil:
		return r.WeightsPerGPU.Value()
	case m == nil:
		return 0
	}
	return m.Status.WeightBytes * widened(c) / share(c, d)
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
