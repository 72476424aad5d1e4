// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"testing"

	"github.com/hoist-dev/hoist/cachenode"
)

func TestExitCode_FollowsTheKindOfFailure(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errors.New("who knows"), 1},
		{&usageError{errors.New("bad flag")}, 2},
		{&cachenode.Error{Kind: cachenode.ErrInvalid, Op: "parse"}, 2},
		{fmt.Errorf("open: %w", cachenode.ErrInUse), 3},
		{fmt.Errorf("list: %w", cachenode.ErrNotFound), 4},
		{fmt.Errorf("list: %w", cachenode.ErrDenied), 5},
		{cachenode.ErrExpired, 5},
		{cachenode.ErrClockSkew, 5},
		{cachenode.ErrUnavailable, 6},
		{cachenode.ErrThrottled, 6},
		{cachenode.ErrTLS, 6},
		{cachenode.ErrNoSpace, 7},
		{cachenode.ErrReadOnly, 8},
		{cachenode.ErrDisk, 8},
		{cachenode.ErrCorrupt, 9},
		{cachenode.ErrChanged, 9},
		{cachenode.ErrUnsafe, 10},
		{fmt.Errorf("get: %w", errors.Join(cachenode.ErrUnavailable, context.Canceled)), 130},
	} {
		if got := exitCode(test.err); got != test.want {
			t.Errorf("exitCode(%v) = %d, want %d", test.err, got, test.want)
		}
	}
}

// K4: the table in --help names each code that exists, and no other.
func TestExitCode_HelpListsAllCodes(t *testing.T) {
	t.Parallel()
	listed := map[int]bool{}
	for _, m := range regexp.MustCompile(`(?m)^ +(\d+)  `).FindAllStringSubmatch(exitHelp, -1) {
		code, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		listed[code] = true
	}
	existing := map[int]bool{exitOK: true, exitFailure: true, exitUsage: true, exitInterrupted: true}
	for _, code := range exitCodes() {
		existing[code] = true
	}
	for code := range existing {
		if !listed[code] {
			t.Errorf("code %d is not in the help", code)
		}
	}
	if len(listed) != len(existing) {
		t.Errorf("the help lists %d codes, %d exist", len(listed), len(existing))
	}
}

func TestRun_MistakesOnTheCommandLineAreOneLineAndCode2(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, args := range [][]string{
		{"get"},
		{"get", "s3://bucket/x/"},
		{"get", "--no-such-flag", "s3://bucket/x/", dir},
		{"get", "not-a-uri", dir},
		{"get", "s3://", dir},
		{"get", "ftp://bucket/x/", dir},
		{"get", "s3://AKIAEXAMPLE:secret@bucket/x/", dir},
		{"get", "--buffers", "lots", "s3://bucket/x/", dir},
		{"get", "--include", "[", "s3://bucket/x/", dir},
		{"get", "--log-level", "shout", "s3://bucket/x/", dir},
		{"serve"},
		{"serve", "--config", dir + "/missing.yaml"},
		{"frobnicate"},
		{"gte", "s3://bucket/x/", dir},
	} {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), args, &stdout, &stderr)
		if code != exitUsage {
			t.Errorf("hoist %q: exit code %d, want %d (%s)", args, code, exitUsage, stderr.String())
		}
		if got := bytes.Count(stderr.Bytes(), []byte("\n")); got != 1 {
			t.Errorf("hoist %q: %d lines on stderr, want 1:\n%s", args, got, stderr.String())
		}
		if bytes.Contains(stderr.Bytes(), []byte("secret")) {
			t.Errorf("hoist %q repeats a credential: %s", args, stderr.String())
		}
	}
}
