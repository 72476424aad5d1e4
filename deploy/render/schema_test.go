// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"encoding/json"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// described is the part of JSON Schema that values.schema.json uses to describe objects.
type described struct {
	Ref                  string `json:"$ref"`
	Type                 any
	Description          string
	Enum                 []any
	Properties           map[string]*described
	Required             []string
	Items                *described
	AdditionalProperties json.RawMessage
	Definitions          map[string]*described
}

func readSchema(t *testing.T) *described {
	t.Helper()
	text, err := os.ReadFile(root + "/deploy/chart/values.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var s described
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	return &s
}

// at follows the reference of s, and keeps the words that stand beside it.
func (s *described) at(all *described) described {
	if s.Ref == "" {
		return *s
	}
	found := *all.Definitions[path.Base(s.Ref)]
	if s.Description != "" {
		found.Description = s.Description
	}
	return found
}

// freeForm is what others define and check: Helm, Kubernetes, cert-manager.
var freeForm = []string{"global", "agent.affinity", "controller.affinity", "agent.env[].valueFrom", "controller.env[].valueFrom",
	"webhook.certManager.issuerRef"}

// Each value is described; what is not described is refused, on every level that is ours.
func TestSchema_DescribesEveryValueAndRefusesTheRest(t *testing.T) {
	t.Parallel()
	all := readSchema(t)
	met := 0
	var visit func(where string, s described)
	visit = func(where string, s described) {
		met++
		if s.Description == "" && !strings.HasSuffix(where, "[]") {
			t.Errorf("%s is not described", where)
		}
		if s.Type == nil && s.Enum == nil {
			t.Errorf("%s may be anything", where)
		}
		if open := len(s.AdditionalProperties) == 0; s.Type == "object" && open != slices.Contains(freeForm, where) {
			t.Errorf("%s: may hold anything: %v", where, open)
		}
		if s.Properties != nil && string(s.AdditionalProperties) != "false" {
			t.Errorf("%s accepts what it does not describe", where)
		}
		for _, name := range s.Required {
			if s.Properties[name] == nil {
				t.Errorf("%s requires %s, which it does not describe", where, name)
			}
		}
		if s.Items != nil {
			visit(where+"[]", s.Items.at(all))
		}
		for name, property := range s.Properties {
			visit(strings.TrimPrefix(where+"."+name, "."), property.at(all))
		}
	}
	visit("", *all)
	if met < 50 {
		t.Errorf("only %d values were looked at", met)
	}
}

// values.yaml shows each value with its default, and no other.
func TestSchema_KnowsTheValuesThatThereAre(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(root + "/deploy/chart/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var values map[string]any
	if err := yaml.Unmarshal(text, &values); err != nil {
		t.Fatal(err)
	}
	all := readSchema(t)
	shownElsewhere := []string{"global", "agent.resources.limits"} // Helm's; and none is the default, with the reason beside it
	var visit func(where string, s described, values map[string]any)
	visit = func(where string, s described, values map[string]any) {
		for name, property := range s.Properties {
			at := strings.TrimPrefix(where+"."+name, ".")
			value, ok := values[name]
			if !ok && !slices.Contains(shownElsewhere, at) {
				t.Errorf("values.yaml does not show %s", at)
			}
			if below, ok := value.(map[string]any); ok {
				visit(at, property.at(all), below)
			}
		}
		for name := range values {
			if s.Properties != nil && s.Properties[name] == nil {
				t.Errorf("the schema does not know %s.%s", where, name)
			}
		}
	}
	visit("", *all, values)
}
