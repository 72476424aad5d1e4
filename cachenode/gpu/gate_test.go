// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package gpu_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/hoist-dev/hoist/cachenode/gpu"
)

const (
	gib = 1 << 30
	pod = "11111111-2222-3333-4444-555555555555"
)

// card is a GPU of 80 GiB of which the pod, and others, hold so much.
func card(index int, his, others int64) gpu.Usage {
	u := gpu.Usage{Device: gpu.Device{UUID: "GPU-" + string(rune('a'+index)), Index: index, Total: 80 * gib, Used: his + others}, Pods: map[string]int64{"another": others}}
	if his > 0 {
		u.Pods[pod] = his
	}
	return u
}

func TestJudge(t *testing.T) {
	t.Parallel()
	need := gpu.Need{WeightsPerGPU: 35 * gib, GPUs: 2}
	both := []string{"GPU-a", "GPU-b"}
	unsure := card(1, 0, 0)
	unsure.Unknown = true
	for name, row := range map[string]struct {
		need     gpu.Need
		devices  []gpu.Usage
		err      error
		assigned []string
		want     gpu.Verdict
	}{
		"there":                    {need, []gpu.Usage{card(0, 36*gib, 0), card(1, 72*gib, 0)}, nil, both, gpu.Verdict{Open: true, Reason: gpu.WeightsResident, Message: "36.0 of 35.0 GiB on 2 of 2 GPUs"}},
		"enough of it":             {need, []gpu.Usage{card(0, 30*gib, 0), card(1, 30*gib, 0)}, nil, both, gpu.Verdict{Open: true, Reason: gpu.WeightsResident, Message: "30.0 of 35.0 GiB on 2 of 2 GPUs"}},
		"one is behind":            {need, []gpu.Usage{card(0, 35*gib, 0), card(1, 5*gib, 0)}, nil, both, gpu.Verdict{Reason: gpu.WeightsLoading, Message: "5.0 of 35.0 GiB on 1 of 2 GPUs"}},
		"not begun":                {need, []gpu.Usage{card(0, 0, 0), card(1, 0, 0)}, nil, both, gpu.Verdict{Reason: gpu.WeightsLoading, Message: "0.0 of 35.0 GiB on 0 of 2 GPUs"}},
		"on GPUs that it has not":  {need, []gpu.Usage{card(0, 35*gib, 0), card(1, 0, 0), card(2, 35*gib, 0)}, nil, both, gpu.Verdict{Reason: gpu.WeightsLoading, Message: "0.0 of 35.0 GiB on 1 of 2 GPUs"}},
		"without the kubelet":      {need, []gpu.Usage{card(0, 35*gib, 0), card(1, 35*gib, 0)}, nil, nil, gpu.Verdict{Open: true, Reason: gpu.WeightsResident, Message: "35.0 of 35.0 GiB on 2 of 2 GPUs"}},
		"spread over fewer":        {gpu.Need{WeightsPerGPU: 35 * gib, GPUs: 1}, []gpu.Usage{card(0, 0, 0), card(1, 35*gib, 0)}, nil, both, gpu.Verdict{Open: true, Reason: gpu.WeightsResident, Message: "35.0 of 35.0 GiB on 1 of 1 GPUs"}},
		"as many as it has":        {gpu.Need{WeightsPerGPU: 35 * gib}, []gpu.Usage{card(0, 35*gib, 0), card(1, 0, 0)}, nil, both, gpu.Verdict{Reason: gpu.WeightsLoading, Message: "0.0 of 35.0 GiB on 1 of 2 GPUs"}},
		"others are in the way":    {need, []gpu.Usage{card(0, 1*gib, 0), card(1, 0, 60*gib)}, nil, both, gpu.Verdict{Reason: gpu.InsufficientVRAM, Message: "0.0 of 35.0 GiB on 0 of 2 GPUs: others hold 60.0 of the 80.0 GiB of GPU 1"}},
		"too small":                {gpu.Need{WeightsPerGPU: 90 * gib, GPUs: 1}, []gpu.Usage{card(0, 1*gib, 0)}, nil, both[:1], gpu.Verdict{Reason: gpu.InsufficientVRAM, Message: "1.0 of 90.0 GiB on 0 of 1 GPUs: GPU 0 has 80.0 GiB in all"}},
		"no GPU":                   {need, nil, nil, []string{}, gpu.Verdict{Open: true, Reason: gpu.NoGPURequested, Message: "the pod has no GPU; the server's own probes decide"}},
		"no driver":                {need, nil, gpu.ErrNoDriver, both, gpu.Verdict{Open: true, Reason: gpu.NVMLUnavailable, Message: "no NVIDIA driver; the server's own probes decide"}},
		"nobody knows how much":    {gpu.Need{}, []gpu.Usage{card(0, 0, 0)}, nil, both, gpu.Verdict{Open: true, Reason: gpu.WeightsUnknown, Message: "nobody said how many bytes of weights land on each GPU; the server's own probes decide"}},
		"the driver does not tell": {need, []gpu.Usage{card(0, 0, 0), unsure}, nil, both, gpu.Verdict{Open: true, Reason: gpu.AttributionUnavailable, Message: "the driver does not say which process holds how much; the server's own probes decide"}},
	} {
		if got := gpu.Judge(row.need, pod, row.devices, row.err, row.assigned); got != row.want {
			t.Errorf("%s:\n got  %+v\n want %+v", name, got, row.want)
		}
	}
}

// More bytes of the pod never close the gate, bytes of others never open it, and it never opens while a GPU that counts holds too little.
func TestJudge_IsMonotone(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		need := gpu.Need{WeightsPerGPU: rapid.Int64Range(1, 100*gib).Draw(t, "weights"), GPUs: rapid.IntRange(0, 4).Draw(t, "gpus")}
		var devices, more []gpu.Usage
		assigned := []string{}
		holding := 0
		for i := range rapid.IntRange(1, 4).Draw(t, "devices") {
			his, others := rapid.Int64Range(0, 80*gib).Draw(t, "his"), rapid.Int64Range(0, 80*gib).Draw(t, "others")
			devices, more = append(devices, card(i, his, others)), append(more, card(i, min(80*gib, his+rapid.Int64Range(0, gib).Draw(t, "more")), others))
			assigned = append(assigned, devices[i].UUID)
			if his >= int64(0.85*float64(need.WeightsPerGPU)) {
				holding++
			}
		}
		before, after := gpu.Judge(need, pod, devices, nil, assigned), gpu.Judge(need, pod, more, nil, assigned)
		if before.Open && !after.Open {
			t.Fatalf("more bytes closed it: %+v, then %+v", before, after)
		}
		wanted := need.GPUs
		if wanted == 0 {
			wanted = len(assigned)
		}
		if before.Open && holding < wanted {
			t.Fatalf("it is open with %d of %d GPUs that hold enough: %+v", holding, wanted, before)
		}
		if before.Message == "" || strings.Contains(before.Message, "NaN") {
			t.Fatalf("it says %q", before.Message)
		}
	})
}
