// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package inject_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/hoist-dev/hoist/webhook/inject"
)

// docs/annotations.md lists every annotation that the code knows and no other, with values that it takes, and its example is injected
// without a warning.
func TestDocs_ListTheAnnotations(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/annotations.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for _, row := range regexp.MustCompile("(?m)^\\| `(hoist\\.dev/[a-z-]+)` \\| `([^`]+)`").FindAllStringSubmatch(string(page), -1) {
		documented = append(documented, row[1])
		annotations := map[string]string{"hoist.dev/model": "llama3-70b", row[1]: strings.TrimSuffix(row[2], ",")}
		if _, err := inject.Parse(annotations, "team-a"); err != nil {
			t.Errorf("the example of %s is refused: %v", row[1], err)
		}
	}
	slices.Sort(documented)
	if known := annotations(t); !slices.Equal(documented, known) {
		t.Errorf("documented are %v\nknown are %v", documented, known)
	}
	example := regexp.MustCompile("(?s)    spec:\n      containers:.*?```").FindString(string(page))
	pod := podOf(t, "metadata: {annotations: {hoist.dev/model: llama3-70b}}\n"+strings.TrimSuffix(strings.ReplaceAll("\n"+example, "\n    ", "\n"), "```"))
	after, warnings := inject.Pod(pod, "team-a", known("llama3-70b"))
	if len(warnings) > 0 || len(after.Spec.Volumes) != 1 || len(after.Spec.ReadinessGates) != 1 {
		t.Errorf("the example becomes %+v, with the warnings %q", after.Spec, warnings)
	}
}

// annotations are the constants of the API.
func annotations(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../api/v1alpha1/annotations.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || !strings.HasSuffix(spec.Names[0].Name, "Annotation") {
			return true
		}
		if literal, ok := spec.Values[0].(*ast.BasicLit); ok {
			value, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, value)
		}
		return true
	})
	slices.Sort(all)
	return all
}
