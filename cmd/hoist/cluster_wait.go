// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/prefetch/plan"
	"github.com/hoist-dev/hoist/prefetch/view"
)

// seenWithin is how soon a controller that works has looked at a Prefetch.
const seenWithin = 15 * time.Second

// waitFor shows how far p is until it is complete, or can't be.
func waitFor(cmd *cobra.Command, c cluster, p *v1alpha1.Prefetch) error {
	ctx, name := cmd.Context(), p.Namespace+"/"+p.Name
	tell, begun := teller(cmd.OutOrStdout()), time.Now()
	return poll(ctx, lookOnTerminal, func() (bool, error) {
		if err := c.Get(ctx, client.ObjectKeyFromObject(p), p); err != nil {
			return false, explain("read Prefetch "+name, err)
		}
		model, err := readModel(ctx, c, plan.Key{Namespace: p.Namespace, Name: p.Spec.ModelName})
		if err != nil {
			return false, err
		}
		now := view.Look(p, model)
		if now.Failed {
			return false, &clusterError{failureKind(p), "Prefetch " + name + " is not complete: " + now.Text, "", nil}
		}
		if now.Unseen && time.Since(begun) > seenWithin {
			now.Text += ": is it up? kubectl get pods -A -l app.kubernetes.io/component=controller"
		}
		return now.Done, tell(now.Text, now.Done)
	})
}

// failureKind decides the exit code of a Prefetch that failed.
func failureKind(p *v1alpha1.Prefetch) error {
	for _, c := range p.Status.Conditions {
		if c.Type != v1alpha1.ReadyCondition {
			continue
		}
		switch c.Reason {
		case v1alpha1.TooBigReason, v1alpha1.NotEnoughNodesReason:
			return cachenode.ErrNoSpace
		case v1alpha1.ModelMissingReason:
			return cachenode.ErrNotFound
		case v1alpha1.SelectorInvalidReason, v1alpha1.ScheduleInvalidReason:
			return cachenode.ErrInvalid
		}
	}
	return cachenode.ErrIncomplete
}

// teller redraws one line on a terminal, and elsewhere writes what is new, not more often than anybody reads.
func teller(w io.Writer) func(text string, last bool) error {
	if isTerminal(w) {
		s := screen{w: w}
		return func(text string, _ bool) error { return s.draw(text) }
	}
	var said string
	var at time.Time
	return func(text string, last bool) error {
		if text == said || !last && time.Since(at) < lookElsewhere {
			return nil
		}
		said, at = text, time.Now()
		_, err := fmt.Fprintln(w, text)
		return err
	}
}
