// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"strconv"
	"strings"

	"github.com/hoist-dev/hoist/test/cluster/machine"
)

// GPU is what each node shall seem to have.
type GPU struct {
	Count       int    `json:"count"`
	Name        string `json:"name"`
	MemoryBytes int64  `json:"memoryBytes"` // of each
}

// labels are those of NVIDIA's GPU feature discovery that schedulers look at.
func (g GPU) labels() []string {
	if g.Count == 0 {
		return nil
	}
	return []string{
		"nvidia.com/gpu.present=true",
		"nvidia.com/gpu.count=" + strconv.Itoa(g.Count),
		"nvidia.com/gpu.memory=" + strconv.FormatInt(g.MemoryBytes>>20, 10),
		"nvidia.com/gpu.product=" + strings.ReplaceAll(g.Name, " ", "-"),
		"nvidia.com/gpu.replicas=1",
		"nvidia.com/gpu.sharing-strategy=none",
		"nvidia.com/mig.capable=false",
	}
}

func (c *Cluster) gpuService(node Node) machine.Service { return machine.Service{} }
