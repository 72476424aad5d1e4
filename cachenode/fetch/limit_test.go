// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// The limit stays between 1 and its cap whatever is measured, and halves when told.
func TestLimit_StaysInBounds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(1, 300).Draw(t, "most")
		l := newLimit(most)
		for range rapid.IntRange(1, 300).Draw(t, "windows") {
			before := l
			if rapid.IntRange(0, 9).Draw(t, "slowed") == 0 {
				l = l.slowed()
				if l.n > max(limitFloor, before.n/2) {
					t.Fatalf("%d connections after SlowDown at %d", l.n, before.n)
				}
			} else {
				l = l.after(window{goodput: rapid.Float64Range(0, 1e12).Draw(t, "goodput"), starved: rapid.Bool().Draw(t, "starved")})
			}
			if l.n < 1 || l.n > most {
				t.Fatalf("%d connections, the cap is %d", l.n, most)
			}
			if l.n > before.n+limitStepMax {
				t.Fatalf("from %d to %d connections in one step", before.n, l.n)
			}
		}
	})
}

// Against networks of known shape the limit settles where more brings nothing.
func TestLimit_SettlesAtTheKnee(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		goodput  func(n int) float64
		most     int
		min, max int
	}{
		"each connection adds":     {func(n int) float64 { return float64(n) }, 64, 64, 64},
		"line full at 40":          {func(n int) float64 { return float64(min(n, 40)) }, 64, 40, 48},
		"line full at 5":           {func(int) float64 { return 5 }, 64, 16, 24},
		"worse with more":          {func(n int) float64 { return 100 / float64(n) }, 64, 16, 24},
		"small cap":                {func(n int) float64 { return float64(n) }, 3, 3, 3},
		"a hundred gigabit needed": {func(n int) float64 { return float64(min(n, 250)) }, 400, 242, 270},
	} {
		l := newLimit(tc.most)
		for range 200 {
			l = l.after(window{goodput: tc.goodput(l.n)})
		}
		if l.n < tc.min || l.n > tc.max {
			t.Errorf("%s: settled at %d, want %d to %d", name, l.n, tc.min, tc.max)
		}
	}
}

// A window in which connections had nothing to do changes nothing.
func TestLimit_LearnsNothingFromStarvedWindows(t *testing.T) {
	t.Parallel()
	l := newLimit(64)
	if got := l.after(window{goodput: 1, starved: true}); got != l {
		t.Errorf("%+v, want %+v", got, l)
	}
}

// C1: after SlowDown the limit comes back, in steps that begin with one.
func TestLimit_RecoversSlowlyThenFaster(t *testing.T) {
	t.Parallel()
	l := newLimit(64)
	l.n = 60
	l = l.slowed()
	var course []int
	for range 10 {
		l = l.after(window{goodput: float64(l.n)})
		course = append(course, l.n)
	}
	if want := []int{30, 30, 30, 30, 31, 33, 37, 45, 61, 64}; !slices.Equal(course, want) {
		t.Errorf("course %v, want %v", course, want)
	}
}
