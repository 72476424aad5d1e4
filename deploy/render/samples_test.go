// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/cachenode"
)

// A sample is what people copy: its fields exist, and its source is one that Hoist reads.
func TestSamples_AreModels(t *testing.T) {
	t.Parallel()
	samples, err := filepath.Glob(filepath.Join(root, "deploy", "samples", "*.yaml"))
	if err != nil || len(samples) < 8 {
		t.Fatalf("%d samples, %v", len(samples), err)
	}
	for _, path := range samples {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		documents := bytes.Split(raw, []byte("---\n"))
		var model v1alpha1.Model
		if err := yaml.UnmarshalStrict(documents[len(documents)-1], &model); err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		ref, err := cachenode.ParseRef(model.Spec.Source)
		if err != nil || ref.Scheme+".yaml" != filepath.Base(path) {
			t.Errorf("%s: source %s, %v", path, model.Spec.Source, err)
		}
		if (model.Spec.Credentials != nil) != (len(documents) == 2) {
			t.Errorf("%s: a Secret that is not used, or used and not there", path)
		}
	}
}
