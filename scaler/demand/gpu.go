// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package demand

import (
	"fmt"
	"strings"
)

// GPU is what DCGM's exporter says of the target's GPUs: percent of them that are busy, or full, on the average, times the replicas that are ready. So it
// is a sum over replicas, as AverageValue wants it, that those who are just starting, or have just gone, do not swell: a server that
// warms up is busy, and would ask for the next one. It is 0 where none is ready and where DCGM says nothing.
//
// exporter is the namespace of the exporter, so that nobody else can speak for it.
func GPU(t Target, exporter string, memory bool) string {
	ask := busy
	if memory {
		ask = full
	}
	// Prometheus renames the exporter's labels of the pod that has the GPU, for the target that it scrapes has some of the same names; unless
	// it is told to honor them.
	renamed := fmt.Sprintf("namespace=%q,%s", exporter, strings.NewReplacer("namespace=", "exported_namespace=", "pod=", "exported_pod=").Replace(t.pods()))
	return fmt.Sprintf("(avg(%s)\nor avg(%s))\n* max(%s{policy=%q})\nor vector(0)", ask(renamed), ask(t.pods()), ReadyReplicas, t.Policy)
}

// busy is percent of the time, over two minutes, in which a GPU did anything. The first metric knows MIG, the second GPUs that are not of a data center.
func busy(of string) string {
	return fmt.Sprintf("100 * %s or %s", lately("DCGM_FI_PROF_GR_ENGINE_ACTIVE", of), lately("DCGM_FI_DEV_GPU_UTIL", of))
}

// full is percent of its memory.
func full(of string) string {
	used := lately("DCGM_FI_DEV_FB_USED", of)
	return fmt.Sprintf("100 * %s / (%s + %s)", used, used, lately("DCGM_FI_DEV_FB_FREE", of))
}

func lately(name, of string) string { return fmt.Sprintf("avg_over_time(%s{%s}[2m])", name, of) }
