// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package doctor_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/hoist-dev/hoist/scaler/doctor"
)

// Whoever does as he is told is not told again.
func TestExamine_FixesMendTheUsualManifest(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("testdata/usual.yaml")
	if err != nil {
		t.Fatal(err)
	}
	mend(t, content, doctor.Examine(read(t, "testdata/usual.yaml")[0]))
}

// mend applies each fix that is of the ScaledObject itself, and looks whether the finding is gone. What a cluster says is not mended so.
func mend(t *testing.T, manifest []byte, found []doctor.Finding) {
	t.Helper()
	elsewhere := map[string]bool{"keda-not-ready": true, "in-fallback": true, "exporters-pod": true, // of another object
		"dead-key": true, "idle-replicas": true, "external-scaler": true} // something is taken away
	filled := strings.NewReplacer("NAMESPACE", "prod", "TARGET", "chat", "METRIC", "vllm:num_requests_running", "MODEL", "m", "ROUTE", "r")
	for _, f := range found {
		if elsewhere[f.Check] {
			continue
		}
		var m, fix map[string]any
		if err := yaml.Unmarshal(manifest, &m); err != nil {
			t.Fatal(err)
		}
		if err := yaml.Unmarshal([]byte(filled.Replace(f.Fix)), &fix); err != nil {
			t.Fatal(f.Fix, err)
		}
		apply(t, m, fix, f)
		content, err := yaml.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		o, err := doctor.Parse(content)
		if err != nil || o == nil {
			t.Fatal(string(content), err)
		}
		for _, again := range doctor.Examine(o) {
			if again.Check == f.Check && again.Object == f.Object {
				t.Errorf("%s is found again after its fix: %s in\n%s", f.Check, again.What, content)
			}
		}
	}
}

// apply puts the lines of a fix where whoever reads them would.
func apply(t *testing.T, m, fix map[string]any, f doctor.Finding) {
	t.Helper()
	spec, _ := m["spec"].(map[string]any)
	triggers, _ := spec["triggers"].([]any)
	var trigger map[string]any // nil: the finding is of all
	if _, where, ok := strings.Cut(f.Object, ", trigger "); ok {
		for i := range triggers {
			if where == fmt.Sprint(i) {
				trigger, _ = triggers[i].(map[string]any)
			}
		}
	}
	for key, value := range fix {
		switch {
		case key == "triggers":
			one, _ := value.([]any)[0].(map[string]any)
			delete(one, "name")
			switch {
			case one["type"] == "cron":
				spec[key] = append(triggers, one)
			case trigger == nil:
				spec[key] = []any{one}
			default:
				merge(trigger, one)
			}
		case key == "metadata" && trigger != nil:
			merge(trigger, map[string]any{key: value})
		case key == "metadata":
			merge(m, map[string]any{key: value})
		case key == "query":
			merge(trigger, map[string]any{"metadata": map[string]any{key: value}})
		case key == "scalingModifiers":
			merge(spec, map[string]any{"advanced": map[string]any{key: value}})
		default:
			merge(spec, map[string]any{key: value})
		}
	}
}

func merge(into, from map[string]any) {
	for key, value := range from {
		a, ok1 := into[key].(map[string]any)
		b, ok2 := value.(map[string]any)
		if ok1 && ok2 {
			merge(a, b)
			continue
		}
		into[key] = value
	}
}

// fixes are what to write, of all that is found in a manifest that is sound but for what is replaced.
func fixes(t *testing.T, replaced ...string) map[string]string {
	t.Helper()
	o, err := doctor.Parse([]byte(strings.NewReplacer(replaced...).Replace(sound)))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, f := range doctor.Examine(o) {
		all[f.Check] = f.Fix
	}
	return all
}

// A StatefulSet's pods are numbered: a fix names them so.
func TestExamine_FixesNameTheTargetsPods(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]string{"StatefulSet": "-[0-9]+\"", "Deployment": "-[a-z0-9]+-[a-z0-9]{5}\""} {
		all := fixes(t, "scaleTargetRef: {name: chat}", "scaleTargetRef: {name: chat, kind: "+kind+"}", "sum(", "avg(", "-[a-z0-9]+-[a-z0-9]{5}", "-.*")
		for check, target := range map[string]string{"divided-twice": "TARGET", "pods-too-wide": "chat"} {
			if !strings.Contains(all[check], target+want) {
				t.Errorf("of a %s, %s says %s", kind, check, all[check])
			}
		}
	}
}

// The threshold of a fix counts requests: a share of a cache never reaches it, so they are asked for in its place.
func TestExamine_FixesCountRequests(t *testing.T) {
	t.Parallel()
	of := func(query string) map[string]string {
		return fixes(t, `sum({__name__=~"vllm:num_requests_(running|waiting)",namespace="prod",pod=~"chat-[a-z0-9]+-[a-z0-9]{5}"})`, query)
	}
	for check, query := range map[string]string{"metric-does-not-exist": "max(vllm:gpu_cache_usage_perc)", "divided-twice": "avg(vllm:kv_cache_usage_perc)", "several-elements": "vllm:gpu_cache_usage_perc"} {
		_, asked, _ := strings.Cut(of(query)[check], "query:")
		if !strings.Contains(asked, `"vllm:num_requests_running|vllm:num_requests_waiting"`) || strings.Contains(asked, "cache") {
			t.Errorf("of %s, %s says to ask for %s", query, check, asked)
		}
	}
}

// Formula and target grow alike, by as much as makes the target whole.
func TestExamine_FixesMakeTargetsWhole(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]string{"0.7": `{formula: "10 * (a)", target: "7"}`, "0.75": `{formula: "100 * (a)", target: "75"}`, "12.50": `{formula: "10 * (a)", target: "125"}`} {
		all := fixes(t, "advanced: {", "advanced: {scalingModifiers: {formula: a, target: '"+target+"'}, ")
		if !strings.Contains(all["fractional-target"], want) {
			t.Errorf("of %s it says %s", target, all["fractional-target"])
		}
	}
}
