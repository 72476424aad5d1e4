// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/hoist-dev/hoist/api/inference"
	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/scaler/scaledobject"
)

// What is replayed as Hoist's is what its ScaledObjects say.
func TestHoist_IsWhatAScaledObjectSays(t *testing.T) {
	t.Parallel()
	for _, cold := range []time.Duration{0, 20 * time.Second, 180 * time.Second, 20 * time.Minute} {
		o, err := scaledobject.Make(scaledobject.Input{Policy: &v1alpha1.ScalePolicy{}, Server: inference.VLLM, InFlight: 1, Min: 1, Max: 9, Slow: int32(cold.Seconds())})
		if err != nil {
			t.Fatal(err)
		}
		said, b := o.Spec.Advanced.HPA.Behavior, Setting{Cold: cold}.hoist()
		if *said.ScaleUp.StabilizationWindowSeconds != int32(b.UpWindow.Seconds()) || *said.ScaleDown.StabilizationWindowSeconds != int32(b.DownWindow.Seconds()) {
			t.Errorf("a cold start of %s: windows of %d and %d s, replayed are %s and %s", cold,
				*said.ScaleUp.StabilizationWindowSeconds, *said.ScaleDown.StabilizationWindowSeconds, b.UpWindow, b.DownWindow)
		}
		if up, down := rule(said.ScaleUp), rule(said.ScaleDown); up != b.Up || down != b.Down {
			t.Errorf("rules %+v and %+v, replayed are %+v and %+v", up, down, b.Up, b.Down)
		}
	}
}

func rule(r *autoscalingv2.HPAScalingRules) (all Rule) {
	for _, p := range r.Policies {
		all.Period = time.Duration(p.PeriodSeconds) * time.Second
		if p.Type == autoscalingv2.PodsScalingPolicy {
			all.Pods = float64(p.Value)
		} else {
			all.Percent = float64(p.Value)
		}
	}
	return all
}
