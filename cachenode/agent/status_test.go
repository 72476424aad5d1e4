// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"strings"
	"testing"
	"time"
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

func TestSpeed_IsUnknownThenSmooth(t *testing.T) {
	t.Parallel()
	var s speed
	now := time.Unix(0, 0)
	look := func(after time.Duration, done int64, want float64) {
		t.Helper()
		now = now.Add(after)
		s.look(now, done)
		if s.perSecond < want*0.999 || s.perSecond > want*1.001 {
			t.Errorf("at %v: %v bytes a second, want %v", now.Unix(), s.perSecond, want)
		}
	}
	now = now.Add(time.Hour)
	look(0, 100, 0)
	look(100*time.Millisecond, 100, 0)                  // too soon to say
	look(900*time.Millisecond, 1100, 1000)              // the first measurement counts in full
	look(time.Second, 1100, 900)                        // a second of nothing weighs a tenth
	look(20*time.Second, 1100+20*5000, 5000)            // what is older than that is forgotten
	look(100*time.Millisecond, 1100+20*5000+1000, 5000) // looking often changes nothing
}
