// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package hf

import (
	"cmp"
	"errors"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/hoist-dev/hoist/cachenode"
)

// hub is the endpoint where none is named.
const hub = "https://huggingface.co"

// Config is what a person can say about a hub. The zero value reads public models of
// the Hugging Face Hub.
type Config struct {
	Endpoint       string       // "https://host[/path]" of a mirror; "" is the Hub itself
	Token          string       // a User Access Token, "" for none
	MaxConnections int          // idle connections kept for each host; 0 is 128
	Logger         *slog.Logger // nil discards
}

// String keeps the token out of logs.
func (c Config) String() string { return "endpoint " + cmp.Or(c.Endpoint, hub) }

// GoString keeps the token out of logs.
func (c Config) GoString() string { return c.String() }

// WithEnvironment fills in what c does not say from HF_ENDPOINT, HF_TOKEN and the file
// that "hf auth login" writes. The token goes to an endpoint of the environment's only:
// whoever names another one brings a token too.
func (c Config) WithEnvironment() Config {
	named := c.Endpoint != ""
	c.Endpoint = cmp.Or(c.Endpoint, os.Getenv("HF_ENDPOINT"))
	if c.Token == "" && !named {
		c.Token = cmp.Or(os.Getenv("HF_TOKEN"), tokenFile())
	}
	return c
}

// tokenFile is the token of "hf auth login", "" where there is none.
// https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables
func tokenFile() string {
	path := os.Getenv("HF_TOKEN_PATH")
	if path == "" {
		home := os.Getenv("HF_HOME")
		if home == "" {
			home = filepath.Join(cmp.Or(os.Getenv("XDG_CACHE_HOME"), filepath.Join(os.Getenv("HOME"), ".cache")), "huggingface")
		}
		path = filepath.Join(home, "token")
	}
	raw, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		return "" // public models need none
	}
	return strings.TrimSpace(string(raw))
}

// endpoint is the canonical form of c.Endpoint, with the Hub for "".
func (c Config) endpoint() (*url.URL, error) {
	u, err := url.Parse(cmp.Or(c.Endpoint, hub))
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, invalidEndpoint("not a URL with http or https")
	case u.User != nil:
		return nil, invalidEndpoint("credentials in the endpoint")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, invalidEndpoint("a query or fragment in the endpoint")
	}
	return &url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host), Path: strings.TrimRight(u.Path, "/") + "/"}, nil
}

// invalidEndpoint does not repeat the endpoint: it may hold a credential.
func invalidEndpoint(why string) error {
	return &cachenode.Error{Kind: cachenode.ErrInvalid, Op: "use", Subject: "the endpoint of the hub", Err: errors.New(why), Hint: "write HF_ENDPOINT as https://host"}
}
