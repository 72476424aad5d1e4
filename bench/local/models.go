// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package local

import (
	"fmt"
	"slices"
	"strings"
)

// Model is the size and the layout of a model that people know: nothing else of it is here.
type Model struct {
	Name   string
	Bytes  int64 // of its safetensors
	Shards int
}

// known are models as the Hub lists their files, in bfloat16 or what they were published in, sizes rounded to 0.1 GB.
var known = []Model{
	{"qwen2.5-7b", 15_200_000_000, 4},
	{"llama-3.1-8b", 16_100_000_000, 4},
	{"gpt-oss-20b", 13_800_000_000, 3},
	{"qwen3-30b-a3b", 61_100_000_000, 16},
	{"mixtral-8x7b", 93_400_000_000, 19},
	{"llama-3.3-70b", 141_100_000_000, 30},
	{"deepseek-r1", 688_600_000_000, 163},
}

// ModelNamed finds one of the known models.
func ModelNamed(name string) (Model, error) {
	for _, m := range known {
		if m.Name == name {
			return m, nil
		}
	}
	return Model{}, fmt.Errorf("the layout of %q is not known: choose from %s", name, strings.Join(ModelNames(), ", "))
}

// ModelNames are the names of the known models.
func ModelNames() []string {
	var names []string
	for _, m := range known {
		names = append(names, m.Name)
	}
	return slices.Clip(names)
}
