// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"strings"
	"testing"
)

// The API server takes the rules of ScalePolicies, and they refuse what can't be meant, or is meant to get out of a query.
func TestScalePolicy_RulesAreTakenAndDecide(t *testing.T) {
	t.Parallel()
	refused := rules(t, "hoist.dev_scalepolicies.yaml")
	for spec, says := range map[string]string{
		"":                                    "",
		"minReplicas: 0":                      "",
		"minReplicas: 5":                      "can't be more than maxReplicas",
		"wake: {}":                            "exactly one",
		"wake: {query: vector(0)}":            "",
		"wake: {httpAddOn: {route: llama}}":   "",
		"wake: {httpAddOn: {route: a.b-c.d}}": "",
		"wake: {httpAddOn: {route: llama, namespace: http}}":            "",
		"wake: {endpointPicker: {modelName: 'meta/Llama-3'}}":           "",
		"wake: {httpAddOn: {route: llama}, query: vector(0)}":           "exactly one",
		"wake: {httpAddOn: {route: a}, endpointPicker: {modelName: a}}": "exactly one",
		"wake: {httpAddOn: {}}":                                         "route",
		"wake: {httpAddOn: {route: 'a\"} or vector(1) #'}}":             "route",
		"wake: {httpAddOn: {route: '.*'}}":                              "route",
		"wake: {httpAddOn: {route: Llama}}":                             "route",
		"wake: {httpAddOn: {route: llama, namespace: 'a.*'}}":           "namespace",
		"gpu: {}": "",
		"gpu: {metric: Memory, targetPercent: 80}":                                                    "",
		"gpu: {metric: DCGM_FI_DEV_FB_USED}":                                                          "metric",
		"gpu: {targetPercent: 101}":                                                                   "targetPercent",
		"gpu: {namespace: 'x\"} or vector(1) #'}":                                                     "namespace",
		"floors: [{name: a, start: 0 8 * * 1-5, end: 0 19 * * 1-5, replicas: 1}]":                     "",
		"floors: [{name: a, start: 0 8 * * 1-5, end: 0 8 * * 1-5, replicas: 1}]":                      "can't be the same",
		"floors: [{name: a, start: TZ=Europe/Berlin, end: 0 19 * * 1-5, replicas: 1}]":                "start",
		"floors: [{name: a, start: 0 8 * * 1-5, end: CRON_TZ=Europe/Berlin 0 19 * * *, replicas: 1}]": "end",
		"floors: [{name: a, start: 'TZ=UTC 8 * * 1-5', end: 0 19 * * 1-5, replicas: 1}]":              "start",
		"floors: [{name: a, start: '@midnight', end: 0 19 * * 1-5, replicas: 1}]":                     "start",
		"floors: [{name: a, start: 0 8 * * 1-5, end: 0 0 19 * * 1-5, replicas: 1}]":                   "end",
	} {
		if text := refused("{target: {name: llama}, " + spec + "}"); (text == nil) != (says == "") || text != nil && !strings.Contains(text.Error(), says) {
			t.Errorf("%s: %v, want %q", spec, text, says)
		}
	}
}

// The window of a Prefetch begins at a cron expression.
func TestPrefetch_RulesKnowCronExpressions(t *testing.T) {
	t.Parallel()
	refused := rules(t, "hoist.dev_prefetches.yaml")
	for start, taken := range map[string]bool{"30 7 * * 1-5": true, "TZ=Europe/Berlin": false, "TZ=UTC 30 7 * * *": false, "@midnight": false, "0 30 7 * * *": false} {
		if err := refused("{modelName: llama3, schedule: {duration: 1h, start: '" + start + "'}}"); (err == nil) != taken {
			t.Errorf("%s: %v", start, err)
		}
	}
}
