// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package s3

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/hoist-dev/hoist/cachenode"
)

// Scheme is the scheme of the URIs that a Source reads, unless it is told another.
const Scheme = "s3"

// Source reads objects of one endpoint. It is safe for concurrent use.
type Source struct {
	client    *s3.Client
	scheme    string
	transport *http.Transport
	endpoint  string       // Origin.Endpoint of what it resolves
	login     *credentials // nil when requests are not signed
	log       *slog.Logger

	regions     sync.Map // bucket -> string, where the bucket lives, as learnt
	unversioned sync.Map // bucket -> struct{}, where GET by version id is denied

	pause func(ctx context.Context, d time.Duration) error // between attempts
}

var _ cachenode.Source = (*Source)(nil)

// New loads the AWS configuration and returns a Source. It makes no request. A
// configuration that can't be used is ErrInvalid.
func New(ctx context.Context, c Config) (*Source, error) {
	options, err := c.loadOptions()
	if err != nil {
		return nil, err
	}
	loaded, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, invalid("load", "the AWS configuration", err, "check AWS_PROFILE, AWS_CA_BUNDLE and ~/.aws/config")
	}
	// The SDK alone knows which of its sources names the endpoint.
	standard := s3.NewFromConfig(loaded).Options()
	endpoint, err := originEndpoint(standard.BaseEndpoint)
	if err != nil {
		return nil, err
	}
	transport, err := c.transport(standard.HTTPClient, endpoint)
	if err != nil {
		return nil, err
	}
	s := &Source{
		scheme:    cmp.Or(c.Scheme, Scheme),
		transport: transport,
		endpoint:  endpoint,
		login:     newCredentials(loaded.Credentials),
		log:       c.logger(),
		pause:     pause,
	}
	s.client = s3.NewFromConfig(loaded, s.configure, c.pathStyle(endpoint))
	return s, nil
}

// Endpoint is the Origin.Endpoint of everything that s resolves: "" for AWS.
func (s *Source) Endpoint() string { return s.endpoint }

// Close closes idle connections. Streams that are open stay open.
func (s *Source) Close() error {
	s.transport.CloseIdleConnections()
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
