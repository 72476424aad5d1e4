// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package sources_test

import (
	"strings"
	"testing"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// A Model of a claim that the chart mounts is brought to every node. A claim that it does not mount is one clear condition.
func TestClaim_IsReadWhereTheChartMountsIt(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	contents := files(t, 13)
	for path, content := range contents {
		put(t, "llama/"+path, content)
	}
	s.model("llama", `source: "pvc://weights/llama/"`)
	s.prefetch("llama")
	s.Compare(s.reader("llama"), "/models/llama/", contents)

	if said := s.refused("other", `source: "pvc://other/llama/"`, v1alpha1.SourceUnsupportedReason); !strings.Contains(said, "other") {
		t.Errorf("the claim that is missing is not named: %s", said)
	}
	s.refused("outside", `source: "pvc://weights/nothing/"`, v1alpha1.SourceNotFoundReason)
}
