// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/hoist-dev/hoist/cachenode"
)

// Config is what a node without Kubernetes is told: the file of hoist serve.
// Unknown fields are errors. Zero fields have the defaults named beside them.
type Config struct {
	Root   string  `json:"root"`   // /var/lib/hoist
	Listen string  `json:"listen"` // 127.0.0.1:9470; "none" serves no TCP
	Models []Model `json:"models"`

	Cache CacheConfig `json:"cache"`
	Fetch FetchConfig `json:"fetch"`
	S3    S3Config    `json:"s3"`
	Scrub ScrubConfig `json:"scrub"`
}

// Model is one model that the node keeps present.
type Model struct {
	Name        string   `json:"name"`   // DNS-1123 label; names/<name> links to the current revision
	Source      string   `json:"source"` // s3://bucket/prefix/
	Include     []string `json:"include"`
	Exclude     []string `json:"exclude"`
	AllowPickle bool     `json:"allowPickle"`
	Priority    string   `json:"priority"` // bulk, forecast, starting-pod
	Refresh     Duration `json:"refresh"`  // look for a new revision this often; 0 never
}

// CacheConfig bounds what the cache takes of the disk.
type CacheConfig struct {
	MaxBytes       Bytes   `json:"maxBytes"`       // 0: as much as the free-space floor leaves
	MinFreePercent float64 `json:"minFreePercent"` // 15
}

// FetchConfig bounds what downloads take of memory and network.
type FetchConfig struct {
	Buffers        Bytes `json:"buffers"`        // 256MiB
	MaxConnections int   `json:"maxConnections"` // 0: as many as the buffers allow
	Bandwidth      Bytes `json:"bandwidth"`      // a second; 0 is no cap
}

// S3Config is what can't be said, or not for one process, in the AWS environment.
type S3Config struct {
	Endpoint  string `json:"endpoint"`
	Region    string `json:"region"`
	Profile   string `json:"profile"`
	Anonymous bool   `json:"anonymous"`
}

// ScrubConfig paces the search for bit rot.
type ScrubConfig struct {
	Every Duration `json:"every"` // from the end of one cycle to the next; 24h
	Rate  Bytes    `json:"rate"`  // a second; 20MiB, which is about 15 h per TB
}

// Want is one parsed Model: what a Node is asked to keep.
type Want struct {
	Name     string
	Ref      cachenode.Ref
	Select   cachenode.Selection
	Priority cachenode.Priority
	Refresh  time.Duration

	Source   cachenode.Source   // nil is the node's for the scheme of Ref
	Revision cachenode.Revision // the one to hold; "" is whatever the origin has
	Memory   bool               // keep it in the page cache too, as far as memory is free
}

// maxModels is the bound on models of one node, as CacheNode has it.
const maxModels = 256

// maxConfig bounds a configuration file, in bytes.
const maxConfig = 1 << 20

// LoadConfig reads and validates the file at path.
func LoadConfig(path string) (Config, []Want, error) {
	if info, err := os.Stat(path); err == nil && info.Size() > maxConfig {
		return Config{}, nil, badConfig(path, fmt.Errorf("%d bytes, at most %d are read", info.Size(), maxConfig))
	}
	raw, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		return Config{}, nil, &cachenode.Error{Kind: cachenode.ErrInvalid, Op: "read", Subject: path, Err: err, Hint: "see hoist serve --help for an example"}
	}
	config, wants, err := ParseConfig(raw)
	if err != nil {
		return Config{}, nil, badConfig(path, err)
	}
	return config, wants, nil
}

// ParseConfig parses YAML, fills in defaults and validates.
func ParseConfig(raw []byte) (Config, []Want, error) {
	var c Config
	if err := yaml.UnmarshalStrict(raw, &c); err != nil {
		return c, nil, fmt.Errorf("parse YAML: %w", err)
	}
	c.setDefaults()
	if c.Cache.MinFreePercent < 0 || c.Cache.MinFreePercent > 90 {
		return c, nil, fmt.Errorf("cache.minFreePercent is %v, want 0 to 90", c.Cache.MinFreePercent)
	}
	wants, err := c.wants()
	return c, wants, err
}

func (c *Config) setDefaults() {
	def(&c.Root, "/var/lib/hoist")
	def(&c.Listen, "127.0.0.1:9470")
	def(&c.Cache.MinFreePercent, 15)
	def(&c.Fetch.Buffers, 256<<20)
	def(&c.Scrub.Every, Duration(24*time.Hour))
	def(&c.Scrub.Rate, 20<<20)
}

func def[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func (c *Config) wants() ([]Want, error) {
	if len(c.Models) > maxModels {
		return nil, fmt.Errorf("%d models, a node keeps at most %d", len(c.Models), maxModels)
	}
	wants := make([]Want, 0, len(c.Models))
	for i, m := range c.Models {
		want, err := m.want()
		if err != nil {
			return nil, fmt.Errorf("models[%d]: %w", i, err)
		}
		if slices.ContainsFunc(wants, func(w Want) bool { return w.Name == want.Name }) {
			return nil, fmt.Errorf("models[%d]: the name %q is taken", i, m.Name)
		}
		wants = append(wants, want)
	}
	return wants, nil
}

// dnsLabel is RFC 1123's label, as Kubernetes object names have it.
var dnsLabel = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

func (m Model) want() (Want, error) {
	if !dnsLabel.MatchString(m.Name) {
		return Want{}, fmt.Errorf("name %q: want lower-case letters, digits and dashes, at most 63", m.Name)
	}
	ref, err := cachenode.ParseRef(m.Source)
	if err != nil {
		return Want{}, err
	}
	sel := cachenode.Selection{Include: m.Include, Exclude: m.Exclude, AllowPickle: m.AllowPickle}
	if err := sel.Validate(); err != nil {
		return Want{}, err
	}
	priority, err := cachenode.ParsePriority(m.Priority)
	if err != nil {
		return Want{}, err
	}
	return Want{Name: m.Name, Ref: ref, Select: sel, Priority: priority, Refresh: time.Duration(m.Refresh)}, nil
}

func badConfig(path string, err error) error {
	return &cachenode.Error{Kind: cachenode.ErrInvalid, Op: "load configuration", Subject: path, Err: err}
}
