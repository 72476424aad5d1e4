// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package scaler

import (
	"bytes"
	"maps"
	"os"
	"strings"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	schemavalidation "k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"sigs.k8s.io/yaml"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

func TestFromAnnotations(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		more  map[string]string
		want  string
		fails string
	}{
		"defaults": {nil, "{maxReplicas: 4, minReplicas: 1, target: {name: ''}}", ""},
		"all": {map[string]string{v1alpha1.MinReplicasAnnotation: "0", v1alpha1.MaxReplicasAnnotation: "8", v1alpha1.InFlightAnnotation: "20", v1alpha1.FloorAnnotation: "2 from 0 8 * * 1-5 to 0 19 * * 1-5 in Europe/Berlin"},
			"{maxReplicas: 8, minReplicas: 0, inFlightPerReplica: 20, floors: [{name: hours, start: 0 8 * * 1-5, end: 0 19 * * 1-5, timeZone: Europe/Berlin, replicas: 2}], target: {name: ''}}", ""},
		"more than the default": {map[string]string{v1alpha1.MinReplicasAnnotation: "6"}, "{maxReplicas: 6, minReplicas: 6, target: {name: ''}}", ""},
		"UTC":                   {map[string]string{v1alpha1.FloorAnnotation: "1 from 0 8 * * * to 0 9 * * *"}, "{maxReplicas: 4, minReplicas: 1, floors: [{name: hours, start: 0 8 * * *, end: 0 9 * * *, replicas: 1}], target: {name: ''}}", ""},
		"yes":                   {map[string]string{v1alpha1.ScaleAnnotation: "yes"}, "", "want true or false"},
		"no number":             {map[string]string{v1alpha1.MinReplicasAnnotation: "-1", v1alpha1.MaxReplicasAnnotation: "many"}, "", "hoist.dev/max-replicas is \"many\""},
		"too many":              {map[string]string{v1alpha1.InFlightAnnotation: "99999999999"}, "", "want a whole number"},
		"the most":              {map[string]string{v1alpha1.MaxReplicasAnnotation: "1000", v1alpha1.InFlightAnnotation: "100000"}, "{maxReplicas: 1000, minReplicas: 1, inFlightPerReplica: 100000, target: {name: ''}}", ""},
		"more than the most":    {map[string]string{v1alpha1.MaxReplicasAnnotation: "2000"}, "", "hoist.dev/max-replicas is \"2000\": want a whole number, 1 to 1000"},
		"more in flight":        {map[string]string{v1alpha1.InFlightAnnotation: "100001"}, "", "1 to 100000"},
		"upside down":           {map[string]string{v1alpha1.MinReplicasAnnotation: "5", v1alpha1.MaxReplicasAnnotation: "3"}, "", "is more than"},
		"floor":                 {map[string]string{v1alpha1.FloorAnnotation: "2 from 8:00 to 19:00"}, "", "want it like"},
		"floor of nobody":       {map[string]string{v1alpha1.FloorAnnotation: "0 from 0 8 * * * to 0 9 * * *"}, "", "number of replicas"},
		"floor at no time":      {map[string]string{v1alpha1.FloorAnnotation: "1 from 0 88 * * * to 0 9 * * *"}, "", "no cron expression"},
		"floor of many hours":   {map[string]string{v1alpha1.FloorAnnotation: "1 from 0 " + strings.Repeat("8,", 60) + "8 * * * to 0 9 * * *"}, "", "within 128 bytes"},
		"floor of no time":      {map[string]string{v1alpha1.FloorAnnotation: "1 from 0 8 * * * to 0 8 * * *"}, "", "start and end are both"},
		"floor nowhere":         {map[string]string{v1alpha1.FloorAnnotation: "1 from 0 8 * * * to 0 9 * * * in ../../etc/passwd"}, "", "no time zone"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			annotations := map[string]string{v1alpha1.ScaleAnnotation: "true"}
			maps.Copy(annotations, row.more)
			spec, asks, err := FromAnnotations(annotations)
			if !asks || (err == nil) != (row.fails == "") || err != nil && !strings.Contains(err.Error(), row.fails) {
				t.Fatalf("%v, %v", asks, err)
			}
			if err != nil {
				return
			}
			var want v1alpha1.ScalePolicySpec
			if err := yaml.UnmarshalStrict([]byte(row.want), &want); err != nil {
				t.Fatal(err)
			}
			a, _ := yaml.Marshal(spec)
			b, _ := yaml.Marshal(want)
			if !bytes.Equal(a, b) {
				t.Errorf("got\n%s\nwant\n%s", a, b)
			}
		})
	}
	for _, annotations := range []map[string]string{nil, {v1alpha1.ScaleAnnotation: "false"}, {v1alpha1.MaxReplicasAnnotation: "3"}} {
		if _, asks, err := FromAnnotations(annotations); asks || err != nil {
			t.Errorf("%v asks: %v", annotations, err)
		}
	}
}

// Whatever stands there, it is refused or makes a policy that the API server takes, and KEDA can read.
func FuzzFromAnnotations(f *testing.F) {
	f.Add("0", "4", "8", "2 from 0 8 * * 1-5 to 0 19 * * 1-5 in Europe/Berlin")
	f.Add("1", "", "x", "1 from @daily to @daily")
	f.Add("1", "2000", "100000", "1 from 0 8 * * * to 0 9 * * *")
	takes := schemaOf(f, "hoist.dev_scalepolicies.yaml")
	f.Fuzz(func(t *testing.T, least, most, inFlight, floor string) {
		spec, _, err := FromAnnotations(map[string]string{v1alpha1.ScaleAnnotation: "true", v1alpha1.MinReplicasAnnotation: least, v1alpha1.MaxReplicasAnnotation: most,
			v1alpha1.InFlightAnnotation: inFlight, v1alpha1.FloorAnnotation: floor})
		if err != nil {
			return
		}
		spec.Target.APIVersion, spec.Target.Kind, spec.Target.Name = "apps/v1", "Deployment", "llama"
		p := v1alpha1.ScalePolicy{Spec: spec}
		if refused := schemavalidation.ValidateCustomResource(nil, p, takes); len(refused) > 0 {
			t.Errorf("%+v: %v", spec, refused)
		}
		if *spec.MinReplicas > spec.MaxReplicas || len(spec.Floors) != 1 || checkFloor(spec.Floors[0]) != nil {
			t.Errorf("%+v", spec)
		}
	})
}

// schemaOf is the API server's, of a kind.
func schemaOf(tb testing.TB, file string) schemavalidation.SchemaValidator {
	tb.Helper()
	content, err := os.ReadFile("../deploy/chart/crds/" + file)
	if err != nil {
		tb.Fatal(err)
	}
	var crd apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(content, &crd); err != nil {
		tb.Fatal(err)
	}
	var props apiextensions.JSONSchemaProps
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(crd.Spec.Versions[0].Schema.OpenAPIV3Schema, &props, nil); err != nil {
		tb.Fatal(err)
	}
	takes, _, err := schemavalidation.NewSchemaValidator(&props)
	if err != nil {
		tb.Fatal(err)
	}
	return takes
}
