// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// table reads a CSV by the names of its columns.
type table struct {
	csv     *csv.Reader
	columns []int
}

func open(r io.Reader, names ...string) (*table, error) {
	t := &table{csv: csv.NewReader(r)}
	t.csv.ReuseRecord = true
	header, err := t.csv.Read()
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	for _, name := range names {
		found := -1
		for i, column := range header {
			if strings.TrimPrefix(strings.TrimSpace(column), "\ufeff") == name {
				found = i
			}
		}
		if found < 0 {
			return nil, fmt.Errorf("the header has no column %q", name)
		}
		t.columns = append(t.columns, found)
	}
	return t, nil
}

// rows yields what parse makes of the columns asked for.
func rows(t *table, err error, parse func(fields []string) (Request, error)) Requests {
	return func(yield func(Request, error) bool) {
		if err != nil {
			yield(Request{}, err)
			return
		}
		fields := make([]string, len(t.columns))
		for {
			record, err := t.csv.Read()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(Request{}, err)
				return
			}
			for i, column := range t.columns {
				fields[i] = record[column]
			}
			request, err := parse(fields)
			if err != nil {
				line, _ := t.csv.FieldPos(0)
				yield(Request{}, fmt.Errorf("line %d: %w", line, err))
				return
			}
			if !yield(request, nil) {
				return
			}
		}
	}
}

func tokens(field string) (int, error) {
	n, err := strconv.ParseFloat(field, 64) // some releases write 12.0
	if err != nil {
		return 0, err
	}
	if !(n >= 0 && n <= maxTokens) {
		return 0, fmt.Errorf("%s tokens", field)
	}
	return int(n), nil
}
