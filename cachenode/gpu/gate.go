// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package gpu

import (
	"cmp"
	"fmt"
	"slices"
)

// Need is what a pod's server must have in VRAM before it is ready.
type Need struct {
	WeightsPerGPU int64 // bytes
	GPUs          int   // that the weights are spread over; 0 is as many as the pod has
}

// The reasons of a verdict.
const (
	WeightsResident        = "WeightsResident"        // they are there
	WeightsLoading         = "WeightsLoading"         // not yet
	InsufficientVRAM       = "InsufficientVRAM"       // its GPUs are too small, or too full
	NVMLUnavailable        = "NVMLUnavailable"        // no driver to ask: HTTP alone decides
	NoGPURequested         = "NoGPURequested"         // nothing to wait for: HTTP alone decides
	AttributionUnavailable = "AttributionUnavailable" // the driver does not say whose memory it is, as under MPS: HTTP alone decides
	WeightsUnknown         = "WeightsUnknown"         // nobody said how big they are: HTTP alone decides
)

// Verdict is whether a pod's weights are in VRAM. Where that can't be told, Open is true and the reason says why.
type Verdict struct {
	Open    bool
	Reason  string
	Message string
}

// enough is the part of the weights that must be there: servers leave some of a file out, such as embeddings that are shared.
const enough = 0.85

// Judge decides for the pod with a UID. err is why devices could not be read; assigned are the UUIDs that the kubelet gave the pod, nil where
// it can't be asked.
func Judge(need Need, pod string, devices []Usage, err error, assigned []string) Verdict {
	switch {
	case err != nil:
		return Verdict{true, NVMLUnavailable, fmt.Sprintf("%v; the server's own probes decide", err)}
	case assigned != nil && len(assigned) == 0:
		return Verdict{true, NoGPURequested, "the pod has no GPU; the server's own probes decide"}
	case need.WeightsPerGPU <= 0:
		return Verdict{true, WeightsUnknown, "nobody said how many bytes of weights land on each GPU; the server's own probes decide"}
	}
	his := devicesOf(pod, devices, assigned)
	gpus := max(cmp.Or(need.GPUs, len(assigned)), 1)
	held := fullest(his, pod, gpus)
	full := 0
	for _, bytes := range held {
		if float64(bytes) >= enough*float64(need.WeightsPerGPU) {
			full++
		}
	}
	message := fmt.Sprintf("%.1f of %.1f GiB on %d of %d GPUs", gib(held[gpus-1]), gib(need.WeightsPerGPU), full, gpus)
	switch {
	case full == gpus:
		return Verdict{true, WeightsResident, message}
	case slices.ContainsFunc(his, func(u Usage) bool { return u.Unknown }):
		return Verdict{true, AttributionUnavailable, "the driver does not say which process holds how much; the server's own probes decide"}
	}
	if tight := tooSmall(need, his, pod); tight != "" {
		return Verdict{false, InsufficientVRAM, message + ": " + tight}
	}
	return Verdict{false, WeightsLoading, message}
}

// fullest is what the pod holds of so many of its GPUs, the most first; 0 of those that it has not touched.
func fullest(his []Usage, pod string, gpus int) []int64 {
	held := make([]int64, 0, max(len(his), gpus))
	for _, d := range his {
		held = append(held, d.Pods[pod])
	}
	for len(held) < gpus {
		held = append(held, 0)
	}
	slices.SortFunc(held, func(a, b int64) int { return cmp.Compare(b, a) })
	return held[:gpus]
}

// devicesOf are those that the pod was given, or else those that it holds memory of.
func devicesOf(pod string, devices []Usage, assigned []string) []Usage {
	var his []Usage
	for _, d := range devices {
		if slices.Contains(assigned, d.UUID) || assigned == nil && d.Pods[pod] > 0 {
			his = append(his, d)
		}
	}
	return his
}

// tooSmall says which of a pod's GPUs can never hold the weights, or can't now, because of others.
func tooSmall(need Need, his []Usage, pod string) string {
	for _, d := range his {
		if d.Total < need.WeightsPerGPU {
			return fmt.Sprintf("GPU %d has %.1f GiB in all", d.Index, gib(d.Total))
		}
		if others := d.Used - d.Pods[pod]; d.Total-others < need.WeightsPerGPU {
			return fmt.Sprintf("others hold %.1f of the %.1f GiB of GPU %d", gib(others), gib(d.Total), d.Index)
		}
	}
	return ""
}

func gib(bytes int64) float64 { return float64(bytes) / (1 << 30) }
