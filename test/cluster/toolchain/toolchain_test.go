// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package toolchain

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// counted is a product that takes a while, counts how often it is made, and is half written when it fails.
type counted struct {
	name string
	made *atomic.Int32
	fail error
}

func (c counted) output() string { return c.name }
func (c counted) recipe() string { return c.name }
func (c counted) produce(_ context.Context, _, target string) error {
	c.made.Add(1)
	<-time.After(time.Second)
	if c.fail != nil {
		return errors.Join(c.fail, os.WriteFile(target, []byte("half"), 0o600))
	}
	return os.WriteFile(target, []byte("whole"), 0o600)
}

func TestEnsure_TwoAtOnceAndAThirdBuildOnce(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "cache", "tool-1")
	synctest.Test(t, func(t *testing.T) {
		var made atomic.Int32
		m := module{dir: dir, products: []product{counted{"a", &made, nil}, counted{"cni/b", &made, nil}}}
		ended := make(chan error, 2)
		for range cap(ended) {
			go func() { ended <- m.ensure(t.Context(), io.Discard) }()
		}
		if err := errors.Join(<-ended, <-ended); err != nil {
			t.Fatal(err)
		}
		var progress bytes.Buffer
		if err := m.ensure(t.Context(), &progress); err != nil {
			t.Fatal(err)
		}
		if made.Load() != 2 || progress.Len() > 0 || !m.complete() {
			t.Errorf("2 products were made %d times, complete: %v, the last time said %q", made.Load(), m.complete(), &progress)
		}
	})
}

func TestEnsure_WhatFailedIsNotTakenForDone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var made atomic.Int32
		broken := errors.New("no memory left")
		m := module{dir: dir, products: []product{counted{"first", &made, nil}, counted{"second", &made, broken}}}
		// As of a run that was killed: a folder, which no file can be renamed over.
		if err := os.MkdirAll(filepath.Join(m.dir, "second.part", "half"), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := m.ensure(t.Context(), io.Discard); !errors.Is(err, broken) || !strings.Contains(err.Error(), "second") {
			t.Fatalf("%v, want %v, of second", err, broken)
		}
		if m.complete() || exists(filepath.Join(m.dir, "second")) {
			t.Fatal("what has failed is there")
		}
		m.products[1] = counted{"second", &made, nil}
		if err := m.ensure(t.Context(), io.Discard); err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(filepath.Join(m.dir, "second"))
		if string(content) != "whole" || made.Load() != 3 {
			t.Errorf("second is %q, %v, after %d builds, want whole after 3", content, err, made.Load())
		}
	})
}

// Every tool of the real plan is one that is made; where all are there, Ensure makes none.
func TestPlan_MakesEveryTool(t *testing.T) {
	t.Setenv(CacheVariable, t.TempDir())
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	plan, err := newPlan(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	if _, complete, err := Locate(t.Context(), root); complete || err != nil {
		t.Errorf("in an empty cache all is complete: %v, %v", complete, err)
	}
	for _, m := range plan {
		for _, p := range m.products {
			write(t, m.dir, map[string]string{p.output(): ""})
		}
	}
	var progress bytes.Buffer
	tools, err := Ensure(t.Context(), root, &progress)
	if err != nil || progress.Len() > 0 {
		t.Fatalf("all is there, yet it says %q, %v", &progress, err)
	}
	fields := reflect.ValueOf(tools)
	for i := range fields.NumField() {
		if path := fields.Field(i).String(); !exists(path) {
			t.Errorf("%s is %q, which nothing makes", fields.Type().Field(i).Name, path)
		}
	}
	if _, complete, err := Locate(t.Context(), root); !complete || err != nil {
		t.Errorf("complete: %v, %v", complete, err)
	}
}
