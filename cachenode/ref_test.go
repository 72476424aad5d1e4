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

		"gs://models/w?versionId=3":               {Scheme: "gs", Bucket: "models", Key: "w?versionId=3"},
		"file:///data/llama/":                     {Scheme: "file", Key: "data/llama/"},
		"file:///data/w?versionId=3":              {Scheme: "file", Key: "data/w?versionId=3"},
		"juicefs://vol-1/models/llama/":           {Scheme: "juicefs", Bucket: "vol-1", Key: "models/llama/"},
		"juicefs://vol-1/":                        {Scheme: "juicefs", Bucket: "vol-1"},
		"pvc://weights/llama":                     {Scheme: "pvc", Bucket: "weights", Key: "llama"},
		"hf://Qwen/Qwen3-8B":                      {Scheme: "hf", Bucket: "Qwen/Qwen3-8B"},
		"hf://Qwen/Qwen3-8B@v1.0":                 {Scheme: "hf", Bucket: "Qwen/Qwen3-8B", VersionID: "v1.0"},
		"hf://a.b/c_d@refs%2Fpr%2F1/onnx/x@y.bin": {Scheme: "hf", Bucket: "a.b/c_d", VersionID: "refs/pr/1", Key: "onnx/x@y.bin"},
		"hf://o/r/original/":                      {Scheme: "hf", Bucket: "o/r", Key: "original/"},
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
	for uri, dir := range map[string]bool{
		"s3://b/x/": true, "s3://b/x": false, "s3://b/": true, "s3://b": true, "file:///x": false, "file:///x/": true, "juicefs://v": true, "hf://o/r@main": true, "hf://o/r/": true,
	} {
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
		"s3://key:hush@b/x", "s3://hush@b/x", "hf://hush@o/r", "hf://user:hush@o/r/x", "hf://o/r@hf_hushhushhushhushhush", "juicefs://:hush@redis:6379/1", "pvc://hush@c/x",
		"file://", "file:///", "file://host/x", "file://x", "file:///a/../b", "file:///a/./b", "file:///a//b", "file:////b", "file:///a/..",
		"juicefs://", "juicefs:///x", "juicefs://v/../x", "juicefs://v//x", "juicefs://../x", "pvc://", "pvc://c/a/../b", "pvc://c//",
		"hf://", "hf://repo", "hf://o/", "hf:///r", "hf://o/r@", "hf://o/r@a b", "hf://o/r@../../x", "hf://o/r@a%2F%2Fb", "hf://o/r@%2Fa", "hf://o/r/../x", "hf://o/r//x",
		"hf://-o/r", "hf://o/r--x", "hf://o/..", "hf://" + strings.Repeat("o", 97) + "/r", "hf://o/r@" + strings.Repeat("v", 256), "gs://", "gs:///x", "az://b u/x",
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
	for _, uri := range []string{"s3://models/llama/", "s3://m/w?versionId=3", "s3://k:s@m/x", "s3://m/?versionId=?versionId=1",
		"hf://o/r@refs%2Fpr%2F1/x", "hf://o/r@@/x", "file:///a/b", "file:///a?versionId=1", "juicefs://v/a/", "pvc://c/", "az://b/k"} {
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
