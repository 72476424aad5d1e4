// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hoist-dev/hoist/cachenode"
)

func TestParseConfig_ReadsEveryField(t *testing.T) {
	t.Parallel()
	config, wants, err := ParseConfig([]byte(`
root: /data/hoist
listen: 0.0.0.0:9000
models:
  - name: llama3-8b
    source: s3://models/llama3-8b/
    include: ["*.safetensors", "*.json"]
    exclude: ["original/*"]
    allowPickle: true
    priority: forecast
    refresh: 10m
cache: {maxBytes: 500GiB, minFreePercent: 20}
fetch: {buffers: 1GiB, bandwidth: 250MB, maxConnections: 12}
s3: {endpoint: "http://minio:9000", region: eu-west-1, profile: weights, anonymous: true}
scrub: {every: 12h, rate: 50MiB}
`))
	if err != nil {
		t.Fatal(err)
	}
	model := Model{Name: "llama3-8b", Source: "s3://models/llama3-8b/", Include: []string{"*.safetensors", "*.json"}, Exclude: []string{"original/*"},
		AllowPickle: true, Priority: "forecast", Refresh: Duration(10 * time.Minute)}
	want := Config{Root: "/data/hoist", Listen: "0.0.0.0:9000", Models: []Model{model},
		Cache: CacheConfig{MaxBytes: 500 << 30, MinFreePercent: 20},
		Fetch: FetchConfig{Buffers: 1 << 30, Bandwidth: 250e6, MaxConnections: 12},
		S3:    S3Config{Endpoint: "http://minio:9000", Region: "eu-west-1", Profile: "weights", Anonymous: true},
		Scrub: ScrubConfig{Every: Duration(12 * time.Hour), Rate: 50 << 20}}
	if diff := cmp.Diff(want, config); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
	wantWants := []Want{{Name: "llama3-8b", Ref: cachenode.Ref{Scheme: "s3", Bucket: "models", Key: "llama3-8b/"}, Priority: cachenode.Forecast, Refresh: 10 * time.Minute,
		Select: cachenode.Selection{Include: model.Include, Exclude: model.Exclude, AllowPickle: true}}}
	if diff := cmp.Diff(wantWants, wants); diff != "" {
		t.Errorf("wants (-want +got):\n%s", diff)
	}
}

func TestParseConfig_RefusesMistakesAndSaysWhich(t *testing.T) {
	t.Parallel()
	for yaml, want := range map[string]string{
		"rooot: /x": `unknown field "rooot"`,
		"models: [{name: A, source: 's3://b/x/'}]":                                 `name "A"`,
		"models: [{name: a, source: 'b/x'}]":                                       "models[0]",
		"models: [{name: a, source: 's3://b/x/', priority: highest}]":              "highest",
		"models: [{name: a, source: 's3://b/x/', include: ['[']}]":                 "pattern",
		"models: [{name: a, source: 's3://b/x/'}, {name: a, source: 's3://b/y/'}]": "taken",
		"models: [{name: a, source: 's3://b/x/', refresh: soon}]":                  "soon",
		"cache: {maxBytes: much}":                                                  "much",
		"cache: {maxBytes: -1}":                                                    "-1",
		"cache: {minFreePercent: 99}":                                              "minFreePercent",
		"fetch: {buffers: 1, buffers: 2}":                                          "buffers",
		"[":                                                                        "YAML",
	} {
		if _, _, err := ParseConfig([]byte(yaml)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one that says %q", yaml, err, want)
		}
	}
}

func TestLoadConfig_NamesTheFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "hoist.yaml")
	if err := os.WriteFile(path, []byte("models: 7"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{path, path + ".missing"} {
		if _, _, err := LoadConfig(path); cachenode.KindOf(err) != cachenode.ErrInvalid || !strings.Contains(err.Error(), path) {
			t.Errorf("LoadConfig(%s) = %v", path, err)
		}
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte("models: [{name: a, source: 's3://b/x/'}]"))
	f.Add([]byte("cache: {maxBytes: 1e30}"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		_, wants, err := ParseConfig(raw)
		if err != nil {
			return
		}
		for _, w := range wants {
			if w.Name != filepath.Base(w.Name) || !filepath.IsLocal(w.Name) {
				t.Errorf("the name %q is no file name", w.Name)
			}
			if w.Refresh < 0 {
				t.Errorf("refresh %v", w.Refresh)
			}
		}
	})
}
