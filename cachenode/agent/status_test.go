// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"strings"
	"testing"
)

func TestStatus_ReasonsSayWhatIsWrongInWords(t *testing.T) {
	t.Parallel()
	s := Status{Models: []ModelStatus{{Name: "a", Phase: Ready}, {Name: "b", Phase: Failed, Error: "access denied"}, {Name: "c", Phase: Fetching}}}
	s.Cache.Health = "Down"
	got := strings.Join(s.reasons(true), "; ")
	for _, want := range []string{"draining", "disk is down", "model b is Failed: access denied", "model c is Fetching"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q does not say %q", got, want)
		}
	}
	s = Status{Models: []ModelStatus{{Name: "a", Phase: Ready, Error: "the last refresh failed"}}}
	if why := s.reasons(false); len(why) > 0 {
		t.Errorf("a node with all models present is not ready: %v", why)
	}
}
