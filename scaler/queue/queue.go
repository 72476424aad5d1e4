// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package queue asks Prometheus for a demand and its history. What is empty, not a number, partial or refused is not known, and never zero.
package queue

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/api"
	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/hoist-dev/hoist/scaler/forecast"
)

// Prometheus is a server of metrics.
type Prometheus struct {
	api promv1.API
	who Identity
}

const (
	patience  = 10 * time.Second // for one answer
	mostBytes = 32 << 20         // of one
	mostSteps = 10_000           // of one query: a server gives 11,000
)

// ErrUnknown is a demand that no number was given for.
var ErrUnknown = errors.New("the query gives no number")

// New connects to an address, such as http://prometheus:9090. It sends nothing yet.
func New(address string) (*Prometheus, error) {
	client, err := api.NewClient(api.Config{Address: address, RoundTripper: bounded{http.DefaultTransport}})
	if err != nil {
		return nil, fmt.Errorf("prometheus at %q: %w", address, err)
	}
	return &Prometheus{api: promv1.NewAPI(client)}, nil
}

// Now is the value of a query that gives one.
func (p *Prometheus) Now(ctx context.Context, query string, at time.Time) (float64, error) {
	value, warnings, _, err := p.api.Query(ctx, query, at, promv1.WithTimeout(patience))
	if err := p.judge(warnings, err); err != nil {
		return 0, err
	}
	vector, ok := value.(model.Vector)
	if !ok || len(vector) != 1 || !number(float64(vector[0].Value)) {
		return 0, ErrUnknown
	}
	return float64(vector[0].Value), nil
}

// History is a query's value of each minute from from to to, oldest first, as far as it is known. It asks in pieces.
func (p *Prometheus) History(ctx context.Context, query string, from, to time.Time) ([]forecast.Sample, error) {
	var all []forecast.Sample
	for at := from.Truncate(time.Minute); !at.After(to); at = at.Add(mostSteps * time.Minute) {
		until := at.Add((mostSteps - 1) * time.Minute)
		if until.After(to) {
			until = to
		}
		value, warnings, _, err := p.api.QueryRange(ctx, query, promv1.Range{Start: at, End: until, Step: time.Minute}, promv1.WithTimeout(patience))
		if err := p.judge(warnings, err); err != nil {
			return nil, err
		}
		matrix, ok := value.(model.Matrix)
		if !ok || len(matrix) > 1 {
			return nil, fmt.Errorf("%w, but %d", ErrUnknown, len(matrix))
		}
		for _, series := range matrix {
			for _, pair := range series.Values {
				if number(float64(pair.Value)) {
					all = append(all, forecast.Sample{At: pair.Timestamp.Time(), Rate: float64(pair.Value)})
				}
			}
		}
	}
	return all, nil
}

// judge takes warnings for what they are: a part of the answer is missing, and would look like less demand.
func (p *Prometheus) judge(warnings promv1.Warnings, err error) error {
	switch {
	case err != nil:
		return fmt.Errorf("ask Prometheus: %w", p.who.clean(err))
	case len(warnings) > 0:
		return fmt.Errorf("%w, for a part is missing: %w", ErrUnknown, p.who.clean(errors.New(warnings[0])))
	}
	return nil
}

func number(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) && v >= 0 }

// bounded reads no more of an answer than anybody needs.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(request.Context(), 2*patience)
	answer, err := b.RoundTripper.RoundTrip(request.WithContext(ctx))
	if err != nil {
		cancel()
		return nil, err
	}
	answer.Body = &body{Reader: io.LimitReader(answer.Body, mostBytes), Closer: answer.Body, cancel: cancel}
	return answer, nil
}

type body struct {
	io.Reader
	io.Closer
	cancel context.CancelFunc
}

func (b *body) Close() error {
	defer b.cancel()
	return b.Closer.Close()
}
