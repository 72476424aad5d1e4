// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package scaler

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/hoist-dev/hoist/api/inference"
	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/scaler/demand"
)

// docs/scaling.md has each annotation with a value that is taken, an example that can be applied, and the metrics that queries name.
func TestDocs_AreTrue(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("../docs/scaling.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(content)
	var documented []string
	for _, row := range regexp.MustCompile("(?m)^\\| `(hoist\\.dev/[a-z-]+)` \\| `([^`]+)`").FindAllStringSubmatch(page, -1) {
		documented = append(documented, row[1])
		if _, asks, err := FromAnnotations(map[string]string{v1alpha1.ScaleAnnotation: "true", row[1]: row[2]}); !asks || err != nil {
			t.Errorf("the example of %s is refused: %v", row[1], err)
		}
	}
	if known := []string{v1alpha1.ScaleAnnotation, v1alpha1.MinReplicasAnnotation, v1alpha1.MaxReplicasAnnotation, v1alpha1.InFlightAnnotation, v1alpha1.FloorAnnotation}; !slices.Equal(documented, known) {
		t.Errorf("documented are %v\nknown are %v", documented, known)
	}
	policies := 0
	for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(page, -1) {
		for document := range strings.SplitSeq(block[1], "---\n") {
			var p v1alpha1.ScalePolicy
			if !strings.Contains("\n"+document, "\nkind: ScalePolicy") {
				continue
			}
			policies++
			if err := yaml.UnmarshalStrict([]byte(document), &p); err != nil {
				t.Errorf("an example: %v\n%s", err, document)
			}
		}
	}
	if policies < 2 {
		t.Errorf("it has %d examples", policies)
	}
	for _, name := range []string{demand.EndpointPickerQueue, demand.EndpointPickerRunning, demand.InterceptorConcurrency} {
		if !strings.Contains(page, "`"+name+"`") {
			t.Errorf("it does not say that %s wakes", name)
		}
	}
	for _, kind := range []inference.Kind{inference.VLLM, inference.TGI, inference.SGLang, inference.Triton, inference.TensorRTLLM, inference.NIM, inference.LMDeploy, inference.LlamaCpp, inference.TEI} {
		row := regexp.MustCompile(`(?m)^\| ` + regexp.QuoteMeta(string(kind)) + ` \|.*$`).FindString(page)
		query, err := demand.Query(kind, demand.Target{})
		names := regexp.MustCompile(`__name__=~?"([^"]+)"`).FindStringSubmatch(query)
		if err != nil || names == nil {
			t.Fatal(query, err)
		}
		for name := range strings.SplitSeq(names[1], "|") {
			if !strings.Contains(row, "`"+name+"`") {
				t.Errorf("%s is not in the row %s", name, row)
			}
		}
	}
}

// docs/scaling.md says of each server whether its VRAM is scaled on.
func TestDocs_SayWhichServersGiveVRAMBack(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/scaling.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "`GPUMetricRefused`, for servers")
	table, _, _ = strings.Cut(table, "\n## ")
	for _, kind := range []inference.Kind{inference.VLLM, inference.TGI, inference.SGLang, inference.Triton, inference.TensorRTLLM, inference.NIM, inference.LMDeploy, inference.LlamaCpp, inference.TEI, inference.Ollama} {
		row := regexp.MustCompile(`(?m)^\| [^|]*\b` + regexp.QuoteMeta(string(kind)) + `\b[^|]*\|.*$`).FindString(table)
		server := inference.Recognize(&corev1.Container{}, kind)
		if back := strings.Contains(row, "gives it back"); row == "" || server == nil || back != (server.Keeps == "") {
			t.Errorf("%s: %s", kind, row)
		}
	}
}

// docs/scaling.md explains each line of a ScaledObject that is generated so.
func TestDocs_ExplainTheScaledObject(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/scaling.md")
	if err != nil {
		t.Fatal(err)
	}
	generated, err := os.ReadFile("scaledobject/testdata/explained.yaml")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```yaml\n(apiVersion: keda\\.sh/.*?)```").FindStringSubmatch(string(page))
	if block == nil {
		t.Fatal("it has no ScaledObject")
	}
	var said, is any
	if err := yaml.Unmarshal([]byte(block[1]), &said); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(generated, &is); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(is, said); diff != "" {
		t.Errorf("what is generated is another (-generated +documented):\n%s", diff)
	}
	_, spec, _ := strings.Cut(block[1], "\nspec:\n")
	value := regexp.MustCompile(`^ *(- )?([a-zA-Z]+: [^{]|- \{)`) // a field with a value, or a policy
	for line := range strings.Lines(spec) {
		if value.MatchString(line) && !strings.Contains(line, " # ") && !strings.Contains(line, "- type: ") {
			t.Errorf("it does not say why: %s", line)
		}
	}
}
