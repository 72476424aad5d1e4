// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package view

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// Models is one row a Model, with what is wrong with it.
func Models(models []v1alpha1.Model, o Options) Table {
	models = slices.Clone(models)
	slices.SortFunc(models, func(a, b v1alpha1.Model) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	t := Table{Header: o.column("NAMESPACE", "NAME", "READY", "COPIES", "SIZE", "SOURCE", "AGE")}
	if o.Wide {
		t.Header = append(t.Header, "REVISION", "FILES", "UPDATES", "CHECKED")
	}
	t.Header = append(t.Header, "MESSAGE")
	for i := range models {
		m := &models[i]
		s := &m.Status
		row := o.column(m.Namespace, m.Name, status(s.Conditions, v1alpha1.ReadyCondition), orDash(s.Copies.ReadyOfTotal), orDash(s.Size),
			m.Spec.Source, o.age(m.CreationTimestamp))
		if o.Wide {
			row = append(row, orDash(short(s.Revision)), strconv.Itoa(int(s.Files)),
				string(cmp.Or(m.Spec.Updates.Policy, v1alpha1.HoldRevision)), o.since(s.CheckedAt))
		}
		t.Rows = append(t.Rows, append(row, ModelProblem(m)))
	}
	return t
}

// ModelProblem says what is wrong with a Model; it is empty where nothing is.
func ModelProblem(m *v1alpha1.Model) string {
	var said []string
	say := func(c *metav1.Condition, prefix string) {
		said = append(said, prefix+c.Message)
	}
	s := &m.Status
	resolved, ready := condition(s.Conditions, v1alpha1.ResolvedCondition), condition(s.Conditions, v1alpha1.ReadyCondition)
	switch {
	case resolved == nil:
		said = append(said, "the controller has not looked at it yet")
	case resolved.Status == metav1.ConditionTrue:
	case s.Revision != "":
		say(resolved, "the source can't be read now: ")
	case ready != nil && ready.Message != "":
		say(ready, "")
	default:
		say(resolved, "the source can't be read: ")
	}
	if drifted := condition(s.Conditions, v1alpha1.SourceDriftedCondition); drifted != nil && drifted.Status == metav1.ConditionTrue {
		say(drifted, "")
	}
	if n := int(s.Copies.Failed); n > 0 {
		said = append(said, fmt.Sprintf("%s failed, hoist nodes says where", count(n, "copy", "copies")))
	}
	return strings.Join(said, "; ")
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
