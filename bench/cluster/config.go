// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/bench/result"
)

// Config says what to measure.
type Config struct {
	Kube       kubernetes.Interface
	Hoist      client.Client        // for Models, Prefetches and CacheNodes
	Deployment types.NamespacedName // with a model
	Baseline   types.NamespacedName // another one, to compare with; none where it is empty
	Runs       int                  // of each scenario
	Scenarios  []string             // names
	FromZero   bool                 // scale to zero first, and from there to one
	Nodes      int                  // that get the model where a scenario wants it there, at most
	Service    string               // the Deployment's; found by its selector where it is empty
	Port       string               // of the Service, by name or number; "" is the one named http, or the first
	Path       string               // of the request; "" is /v1/completions
	Body       string               // of the request, in JSON; "" is a completion of one token
	Patience   time.Duration        // with a start, and with a download that does not go on
	Command    string               // what repeats it
	Version    string               // of hoist

	Step    func(step string)                    // is told what is being done; may be nil
	Confirm func(changes []string) (bool, error) // is asked before anything is changed
}

// ErrRefused is what Run returns where Confirm says no.
var ErrRefused = errors.New("nothing was changed")

func (c *Config) check() error {
	if c.Runs < 1 {
		return fmt.Errorf("%d runs: at least one is needed", c.Runs)
	}
	if c.Nodes < 1 {
		return fmt.Errorf("%d nodes: at least one is needed", c.Nodes)
	}
	if len(c.Scenarios) == 0 {
		return errors.New("no scenario: choose from " + strings.Join(Scenarios(), ", "))
	}
	for i, name := range c.Scenarios {
		if find(name) == nil {
			return fmt.Errorf("there is no scenario %q: choose from %s", name, strings.Join(Scenarios(), ", "))
		}
		if slices.Contains(c.Scenarios[:i], name) {
			return fmt.Errorf("scenario %q is named twice", name)
		}
	}
	if (c.Path == "") != (c.Body == "") {
		return errors.New("a request needs both a path and a body")
	}
	return nil
}

func (c *Config) step(format string, values ...any) {
	if c.Step != nil {
		c.Step(fmt.Sprintf(format, values...))
	}
}

// Run measures, in rounds of one run of each scenario, and returns what it found, also beside an error. Whatever it has changed is put back before it
// returns, also where ctx was canceled; the error says what could not be.
func Run(ctx context.Context, c Config) (r result.Result, err error) {
	if err := c.check(); err != nil {
		return r, err
	}
	b, err := newBench(ctx, c)
	if err != nil {
		return r, err
	}
	defer b.release()
	ok, err := c.Confirm(b.changes())
	if err != nil {
		return r, err
	}
	if !ok {
		return r, ErrRefused
	}
	r, err = b.run(ctx)
	return partial(r, err), errors.Join(err, b.restore(context.WithoutCancel(ctx)))
}

// partial is r without what came to nothing.
func partial(r result.Result, err error) result.Result {
	if err == nil {
		return r
	}
	r.Scenarios = slices.DeleteFunc(r.Scenarios, func(s result.Scenario) bool {
		if len(s.Runs) == 0 {
			r.NotRun = append(r.NotRun, result.NotRun{Name: s.Name, Reason: "the benchmark ended before"})
		}
		return len(s.Runs) == 0
	})
	r.Notes = append(r.Notes, "The benchmark ended early: "+err.Error()+".")
	return r
}
