// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"testing"
	"time"
)

func TestLap_Late(t *testing.T) {
	t.Parallel()
	const s = time.Second
	for name, tc := range map[string]struct {
		lap  lap
		want bool
	}{
		"nothing known":          {lap{elapsed: 100 * s, asked: 100}, false},
		"normal":                 {lap{elapsed: s, expect: s, asked: 100, got: 90}, false},
		"twice the normal time":  {lap{elapsed: 2*s + 1, expect: s, asked: 100, got: 99}, true},
		"at a quarter the pace":  {lap{elapsed: s, expect: s, asked: 100, got: 24}, true},
		"at half the pace":       {lap{elapsed: s, expect: s, asked: 100, got: 50}, false},
		"no byte, but too early": {lap{elapsed: s / 3, expect: s, asked: 100}, false},
		"no byte for half":       {lap{elapsed: s / 2, expect: s, asked: 100}, true},
	} {
		if got := tc.lap.late(); got != tc.want {
			t.Errorf("%s: late %v, want %v", name, got, tc.want)
		}
	}
	laps := []lap{{elapsed: 3 * s, expect: s}, {elapsed: s, expect: s, asked: 1, got: 1}, {elapsed: 5 * s, expect: s}, {}}
	if got := slowest(laps); got != 2 {
		t.Errorf("slowest is %d, want 2", got)
	}
	if got := slowest(laps[1:2]); got != -1 {
		t.Errorf("slowest is %d, want none", got)
	}
}
