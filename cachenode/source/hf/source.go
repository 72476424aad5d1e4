// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package hf

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hoist-dev/hoist/cachenode"
)

// Scheme is the scheme of the URIs that a Source reads.
const Scheme = "hf"

// Source reads the repositories of one hub. It is safe for concurrent use.
type Source struct {
	client *http.Transport
	base   *url.URL // with a slash at the end
	origin string   // Origin.Endpoint of what it resolves
	token  string
	log    *slog.Logger
	moved  locations

	pause func(ctx context.Context, d time.Duration) error // between attempts
}

var _ cachenode.Source = (*Source)(nil)

// New returns a Source. It makes no request. A configuration that can't be used is
// ErrInvalid.
func New(c Config) (*Source, error) {
	base, err := c.endpoint()
	if err != nil {
		return nil, err
	}
	if strings.ContainsFunc(c.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, &cachenode.Error{Kind: cachenode.ErrInvalid, Op: "use", Subject: "the token of the hub", Hint: "HF_TOKEN is one word, without spaces and line ends"}
	}
	s := &Source{client: c.transport(base), base: base, token: c.Token, log: cmp.Or(c.Logger, slog.New(slog.DiscardHandler)), pause: pause}
	if named := strings.TrimSuffix(base.String(), "/"); named != hub {
		s.origin = named
	}
	return s, nil
}

// Close closes idle connections. Streams that are open stay open.
func (s *Source) Close() error {
	s.client.CloseIdleConnections()
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
