// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package scaler

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// Cold starts are told of all, and of each group by phase: in eight groups no more than 130 numbers of a policy.
func TestMetrics_TellColdStarts(t *testing.T) {
	t.Parallel()
	var got []string
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		if value != 0 {
			name := strings.Split(desc.String(), `"`)[1]
			got = append(got, fmt.Sprintf("%s%q %v", name, labels, value))
		}
	}
	coldStarts(&v1alpha1.ColdStartStatus{P50Seconds: 40, P90Seconds: 60,
		Groups: []v1alpha1.ColdStartGroup{{Accelerator: "H100", Weights: v1alpha1.ColdState, Starts: 1, P50Seconds: 60, P90Seconds: 60}},
		Recent: []v1alpha1.ColdStart{{Pod: "a", Accelerator: "H100", Weights: v1alpha1.ColdState, MountedSeconds: 55, ReadySeconds: 5}}}, "team-a/llama", gauge)
	slices.Sort(got)
	want := []string{
		`hoist_scale_cold_start_phase_seconds["team-a/llama" "H100" "Cold" "Mounted" "0.5"] 55`,
		`hoist_scale_cold_start_phase_seconds["team-a/llama" "H100" "Cold" "Mounted" "0.9"] 55`,
		`hoist_scale_cold_start_phase_seconds["team-a/llama" "H100" "Cold" "Ready" "0.5"] 5`,
		`hoist_scale_cold_start_phase_seconds["team-a/llama" "H100" "Cold" "Ready" "0.9"] 5`,
		`hoist_scale_cold_start_seconds["team-a/llama" "" "" "0.5"] 40`,
		`hoist_scale_cold_start_seconds["team-a/llama" "" "" "0.9"] 60`,
		`hoist_scale_cold_start_seconds["team-a/llama" "H100" "Cold" "0.5"] 60`,
		`hoist_scale_cold_start_seconds["team-a/llama" "H100" "Cold" "0.9"] 60`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	full, numbers := &v1alpha1.ColdStartStatus{}, 0
	for i := range 12 {
		full.Recent = append(full.Recent, v1alpha1.ColdStart{Pod: fmt.Sprint(i), Accelerator: fmt.Sprint(i), Weights: v1alpha1.WarmState})
	}
	full.Groups = make([]v1alpha1.ColdStartGroup, 8)
	coldStarts(full, "team-a/llama", func(*prometheus.Desc, float64, ...string) { numbers++ })
	if numbers > 130 {
		t.Errorf("%d numbers of one policy", numbers)
	}
}
