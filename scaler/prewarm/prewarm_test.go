// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package prewarm_test

import (
	"slices"
	"testing"

	"github.com/hoist-dev/hoist/api/capacity"
	"github.com/hoist-dev/hoist/scaler/prewarm"
)

func TestNodes(t *testing.T) {
	t.Parallel()
	fit := capacity.Answer{Nodes: []capacity.Node{{Name: "a", More: 1}, {Name: "b", More: 4}, {Name: "c"}, {Name: "d", More: 4}, {Name: "e", More: 2}}}
	nobody := func(string) bool { return false }
	for _, row := range []struct {
		holds func(string) bool
		taken func(string) bool
		more  int64
		most  int
		want  []string
	}{
		{nobody, nobody, 0, 9, nil},
		{nobody, nobody, -3, 9, nil},
		{nobody, nobody, 1, 9, []string{"b"}},
		{nobody, nobody, 5, 9, []string{"b", "d"}},
		{nobody, nobody, 9, 9, []string{"b", "d", "e"}},
		{nobody, nobody, 100, 9, []string{"a", "b", "d", "e"}}, // never the one that is full
		{nobody, nobody, 100, 2, []string{"b", "d"}},
		{nobody, nobody, 100, 0, nil},
		{func(n string) bool { return n == "a" || n == "c" }, nobody, 1, 9, []string{"a"}},
		{func(n string) bool { return n == "a" }, nobody, 2, 9, []string{"a", "b"}},
		// While there is free room, nobody is made to make way.
		{nobody, func(n string) bool { return n != "a" }, 1, 9, []string{"a"}},
		{nobody, func(n string) bool { return n != "a" }, 2, 9, []string{"a", "b"}},
		{func(n string) bool { return n == "e" }, func(n string) bool { return n != "a" }, 1, 9, []string{"e"}},
	} {
		if got := prewarm.Nodes(fit, row.taken, row.holds, row.more, row.most); !slices.Equal(got, row.want) {
			t.Errorf("%d more on at most %d: %v, want %v", row.more, row.most, got, row.want)
		}
	}
}
