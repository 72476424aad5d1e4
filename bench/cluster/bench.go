// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/bench/result"
)

// bench is one benchmark that is going on.
type bench struct {
	Config
	target   *target
	baseline *target // nil without one
	model    *v1alpha1.Model
	before   map[string]held // what nodes held of the model at first
	wanting  []string        // Prefetches of others that keep the model on nodes
	evicted  bool
	warmed   bool     // the Prefetch is there
	shared   []string // scenarios in which another pod of the node had the model mounted
	release  func()   // lets the next benchmark of the model begin
}

// newBench looks at what there is, once no other benchmark of the model goes on.
func newBench(ctx context.Context, c Config) (b *bench, err error) {
	b = &bench{Config: c, release: func() {}}
	first, err := b.look(ctx, c.Deployment, c.Service)
	if err != nil {
		return nil, err
	}
	if first.model.Name == "" {
		return nil, fmt.Errorf("the pods of Deployment %s mount no Model: annotate it with %s, see docs/annotations.md", c.Deployment, v1alpha1.ModelAnnotation)
	}
	if b.release, err = b.takeTurn(ctx, first.model); err != nil {
		return nil, err
	}
	if err := b.lookAround(ctx); err != nil {
		b.release()
		return nil, err
	}
	return b, nil
}

func (b *bench) lookAround(ctx context.Context) (err error) {
	if b.target, err = b.look(ctx, b.Deployment, b.Service); err != nil {
		return err
	}
	if b.Baseline.Name != "" {
		if b.baseline, err = b.look(ctx, b.Baseline, ""); err != nil {
			return err
		}
	}
	for _, t := range b.targets() {
		if t.touched {
			b.step("a benchmark that was killed left %s at %d replicas: it had %d", t.name, t.found, t.before)
		}
	}
	if b.model, err = b.readModel(ctx); err != nil {
		return err
	}
	if b.before, err = b.holdings(ctx); err != nil {
		return err
	}
	b.takeOver()
	b.wanting, err = b.wantedBy(ctx)
	return err
}

// changes are what is going to happen, for whom it concerns to agree.
func (b *bench) changes() []string {
	starts := len(b.Scenarios) * b.Runs
	size := v1alpha1.HumanBytes(b.model.Status.Bytes)
	said := []string{b.target.change(b.FromZero, starts)}
	if b.baseline != nil {
		said = append(said, b.baseline.change(b.FromZero, b.Runs))
	}
	if len(b.wanting) == 0 {
		said = append(said, fmt.Sprintf("remove the copies of Model %s/%s (%s) that no pod has mounted, from every node, before each start that wants it so", b.model.Namespace, b.model.Name, size))
	}
	return append(said, fmt.Sprintf("download it to at most %d nodes, by the Prefetch %s", b.Nodes, b.prefetchName()),
		"put all of that back in the end, also after Ctrl-C; copies that nodes did not have stay until their room is needed")
}

func (b *bench) run(ctx context.Context) (r result.Result, _ error) {
	r = result.Result{Version: result.Version, Kind: result.Cluster, Made: time.Now().UTC().Truncate(time.Second), Command: b.Command, Hoist: b.Version,
		Model: result.Model{Name: b.model.Name, Bytes: b.model.Status.Bytes, Files: int(b.model.Status.Files)}}
	chosen := b.chosen(&r)
	if len(chosen) == 0 {
		return r, fmt.Errorf("none of the scenarios can run: %s", r.NotRun[0].Reason)
	}
	var err error
	if r.Machine, err = b.machine(ctx); err != nil {
		return r, err
	}
	defer func() {
		r.Settings = b.settings()
		for _, name := range b.shared {
			r.Notes = append(r.Notes, "In a run of "+name+" another pod on its node had the model mounted: it may have been in memory.")
		}
	}()
	for _, t := range b.targets() {
		if first := t.from(b.FromZero); first != t.found {
			if err := b.settle(ctx, t, first); err != nil {
				return r, err
			}
		}
		if err := b.timeAdmission(ctx, t); err != nil {
			return r, err
		}
	}
	for round := range b.Runs {
		for i, s := range chosen {
			b.step("round %d of %d: %s", round+1, b.Runs, s.name)
			run, err := b.measure(ctx, s)
			if err != nil {
				return r, fmt.Errorf("%s: %w", s.name, err)
			}
			r.Scenarios[i].Runs = append(r.Scenarios[i].Runs, run)
		}
	}
	return r, nil
}

// chosen are the scenarios to run, in the order of their names, which r gets too.
func (b *bench) chosen(r *result.Result) (chosen []*scenario) {
	for i := range scenarios {
		s := &scenarios[i]
		if why := b.unwanted(s); why == "" {
			chosen = append(chosen, s)
			r.Scenarios = append(r.Scenarios, result.Scenario{Name: s.name, What: s.what, Baseline: s.name == baselineName || s.name == uncachedName && b.baseline == nil})
		} else if why != notAsked {
			r.NotRun = append(r.NotRun, result.NotRun{Name: s.name, Reason: why})
		}
	}
	return chosen
}

func (b *bench) targets() []*target {
	if b.baseline == nil {
		return []*target{b.target}
	}
	return []*target{b.target, b.baseline}
}

func (b *bench) settings() []result.Setting {
	from := "from zero to one replica"
	if first := b.target.from(b.FromZero); first > 0 {
		from = fmt.Sprintf("from %d to %d replicas", first, first+1)
	}
	settings := []result.Setting{{Name: "Deployment", Value: b.Deployment.String() + ", " + from}, {Name: "image", Value: b.target.pod.Spec.Containers[0].Image}, {Name: "first answer", Value: b.target.asks()}}
	for _, t := range b.targets() {
		settings = append(settings, result.Setting{Name: "admission of a pod of " + t.name.Name,
			Value: strconv.FormatFloat(t.admission.Seconds()*1e3, 'f', 1, 64) + " ms longer than of one without Hoist's annotations, by dry runs"})
	}
	if b.baseline != nil {
		settings = append(settings, result.Setting{Name: "baseline", Value: "Deployment " + b.Baseline.String()})
	}
	return settings
}
