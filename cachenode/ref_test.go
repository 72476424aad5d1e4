// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cachenode_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/hoist-dev/hoist/cachenode"
)

func TestParseRef_ReadsWhatPeopleWrite(t *testing.T) {
	t.Parallel()
	for uri, want := range map[string]cachenode.Ref{
		"s3://models/llama/":            {Scheme: "s3", Bucket: "models", Key: "llama/"},
		"s3://models/llama":             {Scheme: "s3", Bucket: "models", Key: "llama"},
		"s3://models/":                  {Scheme: "s3", Bucket: "models"},
		"s3://models/a b/ü%20+/x":       {Scheme: "s3", Bucket: "models", Key: "a b/ü%20+/x"},
		"s3://m.o-d_els/x?y#z":          {Scheme: "s3", Bucket: "m.o-d_els", Key: "x?y#z"},
		"s3://models/w.gguf?versionId=": {}, // refused below
		"s3://models/w?versionId=a.b-c": {Scheme: "s3", Bucket: "models", Key: "w", VersionID: "a.b-c"},
	} {
		got, err := cachenode.ParseRef(uri)
		if want == (cachenode.Ref{}) {
			if !errors.Is(err, cachenode.ErrInvalid) {
				t.Errorf("ParseRef(%q) = %+v, %v", uri, got, err)
			}
			continue
		}
		if err != nil || got != want || got.String() != uri {
			t.Errorf("ParseRef(%q) = %+v, %v, prints %q", uri, got, err, got)
		}
	}
	for uri, dir := range map[string]bool{"s3://b/x/": true, "s3://b/x": false, "s3://b/": true, "s3://b": true} {
		if ref, err := cachenode.ParseRef(uri); err != nil || ref.Dir() != dir {
			t.Errorf("ParseRef(%q).Dir() = %v, %v", uri, ref.Dir(), err)
		}
	}
}

func TestParseRef_RefusesTheRestInOneLine(t *testing.T) {
	t.Parallel()
	for _, uri := range []string{
		"", "models/llama", "s3:/models", "S3://models/x", "://b/x", "3s://b/x", "s3://", "s3:///x", "s3://../x", "s3://b u/x", "s3://b/\x00", "s3://b/a\nb",
		"s3://b/\xff", "s3://b/" + strings.Repeat("k", 1025), "s3://" + strings.Repeat("b", 256) + "/x", "s3://b/dir/?versionId=1", "s3://b/?versionId=1",
		"s3://key:hush@b/x", "s3://hush@b/x",
	} {
		_, err := cachenode.ParseRef(uri)
		if !errors.Is(err, cachenode.ErrInvalid) || strings.Contains(err.Error(), "\n") || len(err.Error()) > 600 {
			t.Errorf("ParseRef(%.40q) = %v", uri, err)
		}
		if err != nil && strings.Contains(err.Error(), "hush") { // J5
			t.Errorf("ParseRef repeats a credential: %v", err)
		}
	}
}

func FuzzParseRef(f *testing.F) {
	for _, uri := range []string{"s3://models/llama/", "s3://m/w?versionId=3", "s3://k:s@m/x", "s3://m/?versionId=?versionId=1"} {
		f.Add(uri)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		ref, err := cachenode.ParseRef(uri)
		if err != nil {
			if !errors.Is(err, cachenode.ErrInvalid) {
				t.Errorf("ParseRef(%q) = %v", uri, err)
			}
			return
		}
		if again, err := cachenode.ParseRef(ref.String()); err != nil || again != ref {
			t.Errorf("ParseRef(%q) = %+v, prints %q, which parses to %+v, %v", uri, ref, ref, again, err)
		}
	})
}
