// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package carry_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/hoist-dev/hoist/webhook/carry"
)

func object(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	if text == "" {
		return nil
	}
	u := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &u.Object); err != nil {
		t.Fatal(err)
	}
	return u
}

const (
	deployment = "apiVersion: apps/v1\nkind: Deployment\n"
	model      = "metadata: {annotations: {hoist.dev/model: llama, hoist.dev/readiness: HTTP, example.com/a: b}}\n"
)

// Every annotation that is documented for pods is carried to them.
func TestDown_CarriesAllThatIsDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/annotations.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| `(hoist\\.dev/[a-z-]+)` \\|").FindAllStringSubmatch(string(page), -1)
	if len(rows) < 9 {
		t.Fatalf("%d are documented", len(rows))
	}
	for _, row := range rows {
		u := object(t, deployment+"metadata: {annotations: {"+row[1]+": a}}\nspec: {template: {metadata: {}}}")
		carry.Down(u, nil)
		if below, _, _ := unstructured.NestedStringMap(u.Object, "spec", "template", "metadata", "annotations"); below[row[1]] != "a" {
			t.Errorf("%s does not arrive at the pods", row[1])
		}
	}
}

func TestDown(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ old, new, want string }{
		"made": {"", deployment + model + "spec: {template: {spec: {}}}",
			deployment + model + "spec: {template: {metadata: {annotations: {hoist.dev/model: llama, hoist.dev/readiness: HTTP}}, spec: {}}}"},
		"beside others": {"", deployment + model + "spec: {template: {metadata: {labels: {a: b}, annotations: {x: 'y'}}}}",
			deployment + model + "spec: {template: {metadata: {labels: {a: b}, annotations: {hoist.dev/model: llama, hoist.dev/readiness: HTTP, x: 'y'}}}}"},
		"what is said below stays": {"", deployment + model + "spec: {template: {metadata: {annotations: {hoist.dev/model: other}}}}",
			deployment + model + "spec: {template: {metadata: {annotations: {hoist.dev/model: other, hoist.dev/readiness: HTTP}}}}"},
		"changed above": {deployment + "metadata: {annotations: {hoist.dev/model: old}}", deployment + "metadata: {annotations: {hoist.dev/model: new}}\nspec: {template: {metadata: {annotations: {hoist.dev/model: old}}}}",
			deployment + "metadata: {annotations: {hoist.dev/model: new}}\nspec: {template: {metadata: {annotations: {hoist.dev/model: new}}}}"},
		"taken away above": {deployment + model, deployment + "metadata: {annotations: {}}\nspec: {template: {metadata: {annotations: {hoist.dev/model: llama, hoist.dev/readiness: HTTP}, labels: {a: b}}}}",
			deployment + "metadata: {annotations: {}}\nspec: {template: {metadata: {labels: {a: b}}}}"},
		"taken away above, and never from there": {deployment + model, deployment + "spec: {template: {metadata: {annotations: {hoist.dev/model: mine}}}}",
			deployment + "spec: {template: {metadata: {annotations: {hoist.dev/model: mine}}}}"},
		"StatefulSet": {"", "apiVersion: apps/v1\nkind: StatefulSet\n" + model + "spec: {template: {}}",
			"apiVersion: apps/v1\nkind: StatefulSet\n" + model + "spec: {template: {metadata: {annotations: {hoist.dev/model: llama, hoist.dev/readiness: HTTP}}}}"},
		"LeaderWorkerSet without a leader's template": {"", "apiVersion: leaderworkerset.x-k8s.io/v1\nkind: LeaderWorkerSet\n" + model + "spec: {leaderWorkerTemplate: {workerTemplate: {}}}",
			"apiVersion: leaderworkerset.x-k8s.io/v1\nkind: LeaderWorkerSet\n" + model + "spec: {leaderWorkerTemplate: {workerTemplate: {metadata: {annotations: {hoist.dev/model: llama, hoist.dev/readiness: HTTP}}}}}"},
		"InferenceService": {"", "apiVersion: serving.kserve.io/v1beta1\nkind: InferenceService\n" + model + "spec: {predictor: {model: {}}}",
			"apiVersion: serving.kserve.io/v1beta1\nkind: InferenceService\n" + model + "spec: {predictor: {model: {}, annotations: {hoist.dev/model: llama, hoist.dev/readiness: HTTP}}}"},
		"another kind":   {"", "apiVersion: batch/v1\nkind: Job\n" + model + "spec: {template: {}}", "apiVersion: batch/v1\nkind: Job\n" + model + "spec: {template: {}}"},
		"malformed":      {"", deployment + model + "spec: {template: {metadata: {annotations: [1]}}}", deployment + model + "spec: {template: {metadata: {annotations: [1]}}}"},
		"no template":    {"", deployment + model + "spec: {}", deployment + model + "spec: {}"},
		"nothing to say": {"", deployment + "spec: {template: {metadata: {labels: {a: b}}}}", deployment + "spec: {template: {metadata: {labels: {a: b}}}}"},
	} {
		got := object(t, row.new)
		for range 2 { // again changes nothing
			carry.Down(got, object(t, row.old))
			if diff := cmp.Diff(object(t, row.want).Object, got.Object); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
	}
}
