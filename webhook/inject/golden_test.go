// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package inject_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/hoist-dev/hoist/webhook/inject"
)

var update = flag.Bool("update", false, "write testdata instead of comparing it")

// Each file of testdata has a pod, what becomes of it, and what its author is told.
func TestPod_Golden(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(pages) == 0 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	for _, page := range pages {
		t.Run(strings.TrimSuffix(filepath.Base(page), ".yaml"), func(t *testing.T) {
			t.Parallel()
			golden, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			text, _, _ := strings.Cut(string(golden), "---\n")
			before := podOf(t, text)
			request, _ := inject.Parse(before.Annotations, "team-a")
			after, warnings := inject.Pod(before, "team-a", known(request.Model.Name))
			out, err := yaml.Marshal(after)
			if err != nil {
				t.Fatal(err)
			}
			got := text + "---\n" + string(out)
			if len(warnings) > 0 {
				got += "# " + strings.Join(warnings, "\n# ") + "\n"
			}
			if *update {
				if err := os.WriteFile(page, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			} else if diff := cmp.Diff(string(golden), got); diff != "" {
				t.Errorf("go test ./webhook/inject -update writes it (-want +got):\n%s", diff)
			}
		})
	}
}
