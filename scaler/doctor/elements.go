// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
)

// amount is how many elements an expression gives, the most first.
type amount int

const (
	many   amount = iota
	single        // one at the most, which keeps labels: at another time it may be another
	bare          // one at the most, without labels, or a number
)

// elements is how many an expression gives; KEDA wants one. byLe: what differs by le alone is one, as it is for a quantile of buckets.
func elements(e parser.Expr, byLe bool) amount {
	switch e := e.(type) {
	case *parser.ParenExpr:
		return elements(e.Expr, byLe)
	case *parser.StepInvariantExpr:
		return elements(e.Expr, byLe)
	case *parser.UnaryExpr:
		return elements(e.Expr, byLe)
	case *parser.NumberLiteral:
		return bare
	case *parser.SubqueryExpr:
		if elements(e.Expr, byLe) == bare {
			return bare
		}
	case *parser.AggregateExpr:
		return aggregated(e, byLe)
	case *parser.BinaryExpr:
		return combined(e, byLe)
	case *parser.Call:
		return called(e, byLe)
	}
	return many
}

func aggregated(e *parser.AggregateExpr, byLe bool) amount {
	of := elements(e.Expr, byLe)
	grouped := e.Without || slices.ContainsFunc(e.Grouping, func(label string) bool { return !byLe || label != model.BucketLabel })
	switch e.Op {
	case parser.TOPK, parser.BOTTOMK, parser.LIMITK:
		if of == many && !grouped && isOne(e.Param) {
			return single
		}
		return of
	case parser.COUNT_VALUES:
		return min(of, single)
	case parser.LIMIT_RATIO:
		return of
	}
	if grouped {
		return of
	}
	return bare
}

func combined(e *parser.BinaryExpr, byLe bool) amount {
	left, right := elements(e.LHS, byLe), elements(e.RHS, byLe)
	switch e.Op {
	case parser.LAND, parser.LUNLESS:
		return left
	case parser.LOR: // gives both, where their labels differ
		if m := e.VectorMatching; min(left, right) == single && (!m.On || len(m.MatchingLabels) > 0) {
			return many
		}
	}
	return min(left, right)
}

func called(e *parser.Call, byLe bool) amount {
	most := bare // of no vector there is one number: vector(1), time()
	switch e.Func.Name {
	case "scalar", "absent", "absent_over_time":
		return bare
	case "histogram_quantile", "histogram_fraction":
		byLe = true
	case "label_replace", "label_join":
		most = single
	}
	for _, arg := range e.Args {
		if t := arg.Type(); t == parser.ValueTypeVector || t == parser.ValueTypeMatrix {
			most = min(most, elements(arg, byLe))
		}
	}
	return most
}

func isOne(e parser.Expr) bool {
	switch e := e.(type) {
	case *parser.ParenExpr:
		return isOne(e.Expr)
	case *parser.NumberLiteral:
		return e.Val == 1
	}
	return false
}
