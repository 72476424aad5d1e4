// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package mount_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hoist-dev/hoist/test/e2e/suite"
)

// G5: what can't be meant is refused by the API server, in words. testdata/refused.txt has each manifest's spec and what is said.
func TestAPI_RefusesWhatCannotBeMeant(t *testing.T) {
	t.Parallel()
	ns := suite.NewNamespace(t, nil)
	const page = "testdata/refused.txt"
	golden, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for line := range strings.Lines(string(golden)) {
		kind, spec, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || strings.HasPrefix(line, "  ") || strings.HasPrefix(line, "#") {
			if strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "" {
				got.WriteString(line)
			}
			continue
		}
		got.WriteString(line)
		err := ns.Cluster.Apply(t.Context(), "apiVersion: hoist.dev/v1alpha1\nkind: "+kind+"\nmetadata: {name: odd, namespace: "+ns.Name+"}\nspec: "+spec+"\n")
		if err == nil {
			t.Errorf("%s %s was taken", kind, spec)
			continue
		}
		got.WriteString("  " + said(err.Error()) + "\n")
	}
	if os.Getenv("HOIST_UPDATE") != "" {
		if err := os.WriteFile(page, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	} else if diff := cmp.Diff(string(golden), got.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// said is the part of kubectl's message that is the API server's reason.
func said(message string) string {
	if _, reason, ok := strings.Cut(message, " is invalid: "); ok {
		message = reason
	}
	return strings.Join(strings.Fields(message), " ")
}
