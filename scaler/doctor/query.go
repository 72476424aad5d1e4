// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// query is PromQL, taken apart.
type query struct {
	selectors []*parser.VectorSelector
	names     []string // of metrics, without repetition, in order
	single    bool     // it gives one element at most
	averaged  bool     // by pods: avg, or a division by count
	orZero    bool     // it ends in "or vector(0)" or the like
	optional  []string // names without which the query still has an answer: an "or" gives it
}

const longestQuery = 64 << 10

// parse takes a query apart.
func parse(text string) (*query, error) {
	switch {
	case strings.TrimSpace(text) == "":
		return nil, errors.New("there is none")
	case len(text) > longestQuery:
		return nil, errors.New("it is too long")
	}
	expression, err := parser.NewParser(parser.Options{}).ParseExpr(text)
	if err != nil {
		return nil, err
	}
	q := &query{single: elements(expression, false) != many}
	parser.Inspect(expression, func(n parser.Node, above []parser.Node) error {
		q.visit(n, above)
		return nil
	})
	for _, name := range q.names {
		if !slices.Contains(names(last(expression)), name) {
			q.optional = append(q.optional, name)
		}
	}
	return q, nil
}

// last is what answers when nothing else does: what stands behind the last "or", or all where there is none.
func last(e parser.Expr) parser.Expr {
	switch e := e.(type) {
	case *parser.ParenExpr:
		return last(e.Expr)
	case *parser.BinaryExpr:
		if e.Op == parser.LOR {
			return last(e.RHS)
		}
	}
	return e
}

// names are the metrics that an expression asks for.
func names(e parser.Expr) (all []string) {
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		if v, ok := n.(*parser.VectorSelector); ok {
			all = append(all, named(v)...)
		}
		return nil
	})
	return all
}

// visit learns of one node what there is to learn.
func (q *query) visit(n parser.Node, above []parser.Node) {
	switch n := n.(type) {
	case *parser.VectorSelector:
		q.take(n)
	case *parser.AggregateExpr:
		q.averaged = q.averaged || n.Op == parser.AVG && !multiplied(above)
	case *parser.BinaryExpr:
		q.averaged = q.averaged || n.Op == parser.DIV && counts(n.RHS) && !multiplied(above)
		q.orZero = q.orZero || n.Op == parser.LOR && zero(n.RHS)
	}
}

// multiplied reports whether an average becomes a sum again: it is part of a product with something that is measured, such as how many there are.
func multiplied(above []parser.Node) bool {
	return slices.ContainsFunc(above, func(n parser.Node) bool {
		b, ok := n.(*parser.BinaryExpr)
		return ok && b.Op == parser.MUL && measured(b.LHS) && measured(b.RHS)
	})
}

func measured(e parser.Expr) (is bool) {
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		_, selects := n.(*parser.VectorSelector)
		is = is || selects
		return nil
	})
	return is
}

func (q *query) take(v *parser.VectorSelector) {
	q.selectors = append(q.selectors, v)
	for _, name := range named(v) {
		if !slices.Contains(q.names, name) {
			q.names = append(q.names, name)
		}
	}
}

// named are the metrics of a selector: one, or the alternatives of a pattern.
func named(v *parser.VectorSelector) []string {
	for _, m := range v.LabelMatchers {
		if m.Name == model.MetricNameLabel && (m.Type == labels.MatchEqual || m.Type == labels.MatchRegexp) {
			return alternatives(m.Value)
		}
	}
	return nil
}

var plain = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*$`)

// alternatives of a|b and x_(a|b); what is more than that is not told.
func alternatives(pattern string) (names []string) {
	before, after, found := strings.Cut(pattern, "(")
	parts := strings.Split(pattern, "|")
	if found {
		middle, end, closed := strings.Cut(after, ")")
		if !closed {
			return nil
		}
		parts = nil
		for part := range strings.SplitSeq(middle, "|") {
			parts = append(parts, before+part+end)
		}
	}
	for _, name := range parts {
		if plain.MatchString(name) {
			names = append(names, name)
		}
	}
	return names
}

func counts(e parser.Expr) bool {
	switch e := e.(type) {
	case *parser.ParenExpr:
		return counts(e.Expr)
	case *parser.AggregateExpr:
		return e.Op == parser.COUNT
	case *parser.Call:
		return slices.ContainsFunc(e.Args, counts)
	case *parser.BinaryExpr:
		return counts(e.LHS) || counts(e.RHS)
	}
	return false
}

// zero is vector(0), in parentheses or not.
func zero(e parser.Expr) bool {
	switch e := e.(type) {
	case *parser.ParenExpr:
		return zero(e.Expr)
	case *parser.Call:
		if e.Func.Name == "vector" && len(e.Args) == 1 {
			n, ok := e.Args[0].(*parser.NumberLiteral)
			return ok && n.Val == 0
		}
	}
	return false
}
