// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"sigs.k8s.io/yaml"
)

// The API server takes the rules of Models, their cost included, and they refuse what no source reads.
func TestModel_RulesAreTakenAndDecide(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(filepath.Join(root, "deploy", "chart", "crds", "hoist.dev_models.yaml"))
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
	rules := cel.NewValidator(structural, true, math.MaxInt64)
	for spec, says := range map[string]string{
		"{source: s3://b/x/}": "", "{source: hf://o/r@v1/x}": "", "{source: hf://o/r@refs%2Fpr%2F1}": "", "{source: juicefs://v/x@y}": "credentials", "{source: pvc://c/x/}": "",
		"{source: minio://b/x/, s3: {endpoint: 'https://h:9000'}}": "", "{source: az://c/x/}": "", "{source: hf://o/r, hf: {endpoint: 'https://mirror'}}": "",
		"{source: juicefs://v/x/, layout: {huggingFace: {repo: o/r}}}": "", "{source: hf://o/r, layout: {huggingFace: {}}}": "",
		"{source: file:///etc/}": "write source", "{source: ftp://h/x}": "write source", "{source: hf://repo}": "write source", "{source: 's3:///x'}": "write source",
		"{source: 's3://k:s@b/x'}": "credentials", "{source: hf://t@o/r}": "credentials", "{source: juicefs://v/, layout: {huggingFace: {}}}": "repo is needed",
		"{source: hf://o/r, s3: {region: eu}}": "speak its protocol", "{source: s3://b/, hf: {}}": "hf is for", "{source: pvc://c/, credentials: {secretName: x}}": "has no credentials",
	} {
		var parsed map[string]any
		if err := yaml.Unmarshal([]byte("metadata: {name: m}\nspec: "+spec), &parsed); err != nil {
			t.Fatal(err)
		}
		errs, _ := rules.Validate(t.Context(), nil, structural, parsed, nil, math.MaxInt64)
		if text := errs.ToAggregate(); (text == nil) != (says == "") || text != nil && !strings.Contains(text.Error(), says) {
			t.Errorf("%s: %v, want %q", spec, text, says)
		}
	}
}
