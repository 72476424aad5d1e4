// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package chart_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/hoist-dev/hoist/bench/scale/chart"
)

func TestCharts_AreSmallWellFormedAndTheSameEachTime(t *testing.T) {
	t.Parallel()
	groups := []chart.Group{{"one", []chart.Point{{10, 0}, {20, 30}}}, {"two", []chart.Point{{11, 3}}}}
	series := []chart.Series{{"wanted", []chart.Step{{8, 1}, {9, 4}, {10, 2}}}}
	draw := func() []byte {
		dir := t.TempDir()
		if err := chart.Pareto(filepath.Join(dir, "p.svg"), "cost and harm", groups); err != nil {
			t.Fatal(err)
		}
		if err := chart.Timeline(filepath.Join(dir, "t.svg"), "a day", "replicas", series); err != nil {
			t.Fatal(err)
		}
		p, err := os.ReadFile(filepath.Join(dir, "p.svg"))
		if err != nil {
			t.Fatal(err)
		}
		q, err := os.ReadFile(filepath.Join(dir, "t.svg"))
		if err != nil {
			t.Fatal(err)
		}
		for _, svg := range [][]byte{p, q} {
			wellFormed(t, svg)
		}
		return append(p, q...)
	}
	first := draw()
	if !bytes.Equal(first, draw()) {
		t.Error("two drawings of the same data differ")
	}
	if len(first) > 64<<10 {
		t.Errorf("two small charts take %d bytes", len(first))
	}
}

func wellFormed(t *testing.T, svg []byte) {
	t.Helper()
	decoder := xml.NewDecoder(bytes.NewReader(svg))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}
