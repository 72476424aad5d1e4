// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package view

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hoist-dev/hoist/api/capacity"
	"github.com/hoist-dev/hoist/prefetch/plan"
)

// Replicas are those of a workload with a model, and how many more fit.
type Replicas struct {
	Workload  string // deployment/llama
	Namespace string
	Model     plan.Key
	Wants     int32
	Ready     int32
	Fit       capacity.Answer
}

// Room is one row a workload.
func Room(all []Replicas) Table {
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b Replicas) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Workload, b.Workload))
	})
	t := Table{Header: []string{"NAMESPACE", "WORKLOAD", "MODEL", "READY", "FIT MORE", "WHAT STOPS THE NEXT"}}
	for i := range all {
		r := &all[i]
		model := r.Model.Name
		if r.Model.Namespace != r.Namespace {
			model = r.Model.String()
		}
		t.Rows = append(t.Rows, []string{r.Namespace, r.Workload, model, fmt.Sprintf("%d/%d", r.Ready, r.Wants), fmt.Sprint(r.Fit.More), stops(r.Fit)})
	}
	return t
}

// stops says what does, and the GPUs that are free in vain.
func stops(a capacity.Answer) string {
	var words []string
	for _, w := range a.Stops {
		words = append(words, w.String())
	}
	text := strings.Join(words, "; ")
	if a.Stranded > 0 {
		text += fmt.Sprintf(" (%s free in vain)", count(int(a.Stranded), "GPU", "GPUs"))
	}
	return text
}

// inVain says that there are GPUs for a pod without a node, but not in one place.
func (s Scene) inVain() string {
	switch f := s.Fit; {
	case f == nil || f.Stranded == 0 || f.More > 0:
		return ""
	case f.Stranded == 1:
		return "; 1 GPU is free, on a node where this pod does not fit"
	default:
		return fmt.Sprintf("; %d GPUs are free, on nodes of which none has room for this pod", f.Stranded)
	}
}
