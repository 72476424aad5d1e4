// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/hoist-dev/hoist/scaler/doctor"
	"github.com/hoist-dev/hoist/scaler/queue"
)

// asked is the Prometheus to ask for metrics, if any, and who asks it.
type asked struct {
	address string
	who     queue.Identity
}

func (a *asked) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&a.address, "prometheus", "", "address of Prometheus, to ask it for the metrics")
	flags.StringVar(&a.who.Folder, "prometheus-identity", "", "folder with any of token, username and password, ca.crt, tls.crt and tls.key, for a Prometheus that asks who it is")
	flags.StringToStringVar(&a.who.Headers, "prometheus-header", nil, "header of each query as `NAME=VALUE`, such as X-Scope-OrgID=team-a; may be given again")
	flags.Lookup("prometheus-header").DefValue = "" // --help says "default []" of it otherwise
}

// metrics has Prometheus tell what it has of what the objects ask for. Nobody is asked where no address is given.
func (a *asked) metrics(ctx context.Context, objects []*doctor.Object) error {
	if a.address == "" {
		if a.who.Folder != "" || len(a.who.Headers) > 0 {
			return &usageError{errors.New("--prometheus-identity and --prometheus-header need --prometheus")}
		}
		return nil
	}
	p, err := queue.Identified(a.address, a.who)
	if err != nil {
		return &usageError{err}
	}
	for _, o := range objects {
		if o.Metrics, err = known(ctx, p, o.Names()); err != nil {
			return fmt.Errorf("--prometheus %s: %w", a.address, err)
		}
	}
	return nil
}

// known is what a Prometheus has of some metrics. One that does not answer, or in part, says nothing of what it lacks: that is an error.
func known(ctx context.Context, p *queue.Prometheus, names []string) (*doctor.Metrics, error) {
	m := &doctor.Metrics{Known: map[string]bool{}, Scraped: map[string]int32{}}
	for _, name := range names {
		n, err := p.Now(ctx, fmt.Sprintf("count({__name__=%q}) or vector(0)", strings.ToValidUTF8(name, "")), time.Now())
		if err != nil {
			return nil, err
		}
		m.Known[name] = n > 0
		if every, err := p.ScrapeInterval(ctx, name); err == nil { // who may not ask for targets is told the rest
			m.Scraped[name] = int32(every.Seconds())
		}
	}
	return m, nil
}
