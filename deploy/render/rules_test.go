// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	schemavalidation "k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"
)

// rules are those of a kind, which the API server takes, their cost included: what is given says why a spec is refused, and is nil for one that is not.
func rules(t *testing.T, file string) func(spec string) utilerrors.Aggregate {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root, "deploy", "chart", "crds", file))
	if err != nil {
		t.Fatal(err)
	}
	var v1 apiextensionsv1.CustomResourceDefinition
	if err := yaml.Unmarshal(raw, &v1); err != nil {
		t.Fatal(err)
	}
	v1.Status.StoredVersions = []string{v1.Spec.Versions[0].Name}
	apiextensionsv1.SetDefaults_CustomResourceDefinition(&v1)
	apiextensionsv1.SetDefaults_CustomResourceDefinitionSpec(&v1.Spec)
	var crd apiextensions.CustomResourceDefinition
	if err := apiextensionsv1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(&v1, &crd, nil); err != nil {
		t.Fatal(err)
	}
	if errs := validation.ValidateCustomResourceDefinition(t.Context(), &crd); len(errs) > 0 {
		t.Fatalf("the API server refuses it: %v", errs.ToAggregate())
	}
	var props apiextensions.JSONSchemaProps
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(v1.Spec.Versions[0].Schema.OpenAPIV3Schema, &props, nil); err != nil {
		t.Fatal(err)
	}
	structural, err := schema.NewStructural(&props)
	if err != nil {
		t.Fatal(err)
	}
	decide := cel.NewValidator(structural, true, math.MaxInt64)
	patterns, _, err := schemavalidation.NewSchemaValidator(&props)
	if err != nil {
		t.Fatal(err)
	}
	return func(spec string) utilerrors.Aggregate {
		t.Helper()
		var parsed map[string]any
		content, err := yaml.YAMLToJSON([]byte("metadata: {name: m}\nspec: " + spec))
		if err == nil {
			err = json.Unmarshal(content, &parsed) // whole numbers stay whole
		}
		if err != nil {
			t.Fatal(err)
		}
		defaulting.Default(parsed, structural)
		errs := schemavalidation.ValidateCustomResource(nil, parsed, patterns)
		more, _ := decide.Validate(t.Context(), nil, structural, parsed, nil, math.MaxInt64)
		return append(errs, more...).ToAggregate()
	}
}
