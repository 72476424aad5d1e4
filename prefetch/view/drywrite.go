// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package view

import (
	"fmt"
	"io"
	"strings"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// mostNodesNamed of one Prefetch; -o json has them all.
const mostNodesNamed = 20

// Write tells a plan.
func (d Dry) Write(w io.Writer) error {
	for i := range d.Prefetches {
		if _, err := io.WriteString(w, d.Prefetches[i].String()+"\n"); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, d.summary()+"\n")
	if err != nil || len(d.Evictions) == 0 {
		return err
	}
	t := Table{Header: []string{"NODE", "NAMESPACE", "EVICTED", "REVISION", "SIZE"}}
	for _, e := range d.Evictions {
		t.Rows = append(t.Rows, []string{e.Node, e.Namespace, e.Model, short(e.Revision), v1alpha1.HumanBytes(e.Bytes)})
	}
	return t.Write(w)
}

func (d Dry) summary() string {
	if len(d.Prefetches) == 0 {
		return "there are no Prefetches here (-A looks in all namespaces)"
	}
	text := "nothing is to download"
	if d.Bytes > 0 {
		text = v1alpha1.HumanBytes(d.Bytes) + " to download in all"
	}
	if len(d.Evictions) == 0 {
		return text + "; nothing must go to make room"
	}
	var sum int64
	for _, e := range d.Evictions {
		sum += e.Bytes
	}
	return fmt.Sprintf("%s; to make room %s (%s)", text, count(len(d.Evictions), "copy goes", "copies go"), v1alpha1.HumanBytes(sum))
}

// String is what would become of one Prefetch: a sentence, and a line with its nodes.
func (p *DryPrefetch) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Prefetch %s/%s", p.Namespace, p.Name)
	if p.Change != "" {
		fmt.Fprintf(&b, " (%s)", p.Change)
	}
	if p.Model != "" {
		fmt.Fprintf(&b, " of %s", p.Model)
	}
	if p.Size > 0 {
		fmt.Fprintf(&b, ", %s", v1alpha1.HumanBytes(p.Size))
	}
	b.WriteString(": " + clean(p.Message))
	if p.Bytes > 0 {
		fmt.Fprintf(&b, "; %s to download", v1alpha1.HumanBytes(p.Bytes))
	}
	for i, n := range p.Nodes {
		if i == mostNodesNamed {
			fmt.Fprintf(&b, "\n  and %d more", len(p.Nodes)-i)
			break
		}
		fmt.Fprintf(&b, "\n  %s (%s)", n.Name, n.State)
	}
	return b.String()
}
