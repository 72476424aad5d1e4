// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package inference

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// GPUs is how many GPUs a container asks for, whole ones or parts.
func GPUs(c *corev1.Container) int64 {
	var sum int64
	for _, list := range []corev1.ResourceList{c.Resources.Limits, c.Resources.Requests} {
		for name, quantity := range list {
			if IsGPU(name) {
				sum += quantity.Value()
			}
		}
		if sum > 0 {
			break // requests say the same again
		}
	}
	return sum
}

// IsGPU knows NVIDIA's device plugin, which names parts nvidia.com/mig-1g.10gb and shared ones nvidia.com/gpu.shares.
func IsGPU(name corev1.ResourceName) bool {
	return name == "nvidia.com/gpu" || strings.HasPrefix(string(name), "nvidia.com/gpu.") || isPart(name)
}

func isPart(name corev1.ResourceName) bool { return strings.HasPrefix(string(name), "nvidia.com/mig-") }

// OnParts reports whether a container asks for MIG instances, whose memory no label of a node tells.
func OnParts(c *corev1.Container) bool {
	for name := range c.Resources.Limits {
		if isPart(name) {
			return true
		}
	}
	return false
}

// Share is on how many GPUs a server spreads the weights: tensor times pipeline parallel. Of a server that nobody knows it is as many
// as it has, which expects the least of each.
func (s *Server) Share(c *corev1.Container) int64 {
	const most = 1024
	if s == nil || s.allGPUs {
		return max(GPUs(c), 1)
	}
	words := Arguments(c)
	tensor := number(words, most, s.tensor...)
	if s.Kind == TGI && tensor == 0 {
		tensor = number([]string{"n=" + environment(c, "NUM_SHARD")}, most, "n")
	}
	return int64(max(tensor, 1)) * int64(max(number(words, most, s.pipeline...), 1))
}

// Widened is how much bigger weights get when they are loaded: 32-bit floats asked for, where files hold 16-bit ones as good as always.
func Widened(c *corev1.Container) int64 {
	switch flag(Arguments(c), "--dtype") {
	case "float32", "float", "fp32":
		return 2
	}
	return 1
}
