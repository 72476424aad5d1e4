// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package doctor_test

import (
	"slices"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/hoist-dev/hoist/scaler/doctor"
)

// A query that gives one element at the most is left in peace, and one that can give more is found.
func TestExamine_CountsElements(t *testing.T) {
	t.Parallel()
	for several, queries := range map[bool][]string{
		false: {
			`vector(1)`,
			`time()`,
			`hour()`,
			`scalar(x)`,
			`absent(x)`,
			`absent_over_time(x[5m])`,
			`sum(x)`,
			`-(sum(x))`,
			`sum(x) + 1`,
			`2 * max(x) / sum(y)`,
			`max_over_time(sum(x{namespace="prod"})[2m:15s])`,
			`avg_over_time((sum(x) or vector(0))[2m:15s])`,
			`topk(1, x)`,
			`bottomk((1), x)`,
			`topk(3, sum(x))`,
			`sum(topk(3, x))`,
			`sum(a) and on() b`,
			`sum(a) unless on() b`,
			`sum by (pod) (sum(x))`,
			`topk(1, x) or on() vector(0)`,
			`sum(x) or vector(0)`,
			`clamp_min(sum(x), 0)`,
			`round(sum(x), 5)`,
			`histogram_quantile(0.9, sum by (le) (rate(x[5m])))`,
			`histogram_quantile(0.9, (sum by (le) (rate(x[5m])) + sum by (le) (rate(y[5m]))))`,
			`histogram_quantile(0.9, sum(rate(x[5m])))`,
			`histogram_quantile(0.9, max_over_time(sum by (le) (rate(x[5m]))[1h:1m]))`,
			`label_replace(sum(x), "a", "b", "", "")`,
			`count_values("a", sum(x))`,
		},
		true: {
			`x`,
			`-x`,
			`x + 1`,
			`x + sum(y)`,
			`sum by (pod) (x)`,
			`sum by (le) (x)`,
			`sum without (pod) (x)`,
			`topk(2, x)`,
			`topk(1, x) or vector(0)`,
			`topk by (pod) (1, x)`,
			`topk(scalar(x), x)`,
			`count_values("a", x)`,
			`max_over_time(x[2m])`,
			`max_over_time(topk(1, x)[2m:15s])`,
			`x and on() sum(y)`,
			`x unless on() sum(y)`,
			`sum(x) or y`,
			`clamp_min(x, 0)`,
			`clamp(x, 0, 10)`,
			`round(x, 5)`,
			`quantile_over_time(0.9, x[5m])`,
			`histogram_quantile(0.9, rate(x[5m]))`,
			`histogram_quantile(0.9, sum by (le, pod) (rate(x[5m])))`,
			`histogram_quantile(0.9, sum without (le) (rate(x[5m])))`,
			`label_replace(sum(x), "a", "b", "", "") or vector(0)`,
		},
	} {
		for _, query := range queries {
			manifest, err := yaml.Marshal(map[string]any{"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "spec": map[string]any{
				"triggers": []any{map[string]any{"type": "prometheus", "metadata": map[string]any{"query": query}}}}})
			if err != nil {
				t.Fatal(err)
			}
			o, err := doctor.Parse(manifest)
			if err != nil {
				t.Fatal(err)
			}
			found := names(doctor.Examine(o))
			if slices.Contains(found, "query-unreadable") || slices.Contains(found, "several-elements") != several {
				t.Errorf("%s: several is %v, and it finds %v", query, several, found)
			}
		}
	}
}
