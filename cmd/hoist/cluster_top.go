// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/prefetch/view"
)

// How often the cluster is asked how far it is.
const (
	lookOnTerminal = time.Second
	lookElsewhere  = 5 * time.Second
)

func newTop(dial dialer) *cobra.Command {
	a := access{dial: dial}
	var once bool
	cmd := &cobra.Command{
		Use:   "top",
		Short: "Show the cluster's downloads while they run",
		Long: `Show the downloads of a cluster while they run: a bar for each model and node.

  hoist top -A             of all namespaces; Ctrl-C ends it
  hoist top --once         as it is now
  hoist top | tee log      not a terminal: again every 5 s, until no download is left`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.dial(&a)
			if err != nil {
				return err
			}
			t := top{access: &a, cluster: c}
			switch out := cmd.OutOrStdout(); {
			case once:
				_, err = t.write(cmd.Context(), out)
			case isTerminal(out):
				err = t.live(cmd.Context(), out)
			default:
				err = t.lines(cmd.Context(), out)
			}
			return err
		},
	}
	a.addFlags(cmd)
	a.addNamespaces(cmd)
	cmd.Flags().BoolVar(&once, "once", false, "show them once")
	return cmd
}

type top struct {
	*access
	cluster
}

// write shows the downloads, and says how many there are.
func (t top) write(ctx context.Context, w io.Writer) (int, error) {
	var caches v1alpha1.CacheNodeList
	if err := t.List(ctx, &caches); err != nil {
		return 0, explain("list CacheNodes", err)
	}
	downloads := view.Downloads(caches.Items, t.scope(t.cluster))
	var text bytes.Buffer
	if len(downloads) > 0 {
		if err := view.Progress(downloads, t.show(false)).Write(&text); err != nil {
			return 0, err
		}
	}
	fmt.Fprintln(&text, view.Sum(downloads))
	_, err := w.Write(text.Bytes())
	return len(downloads), err
}

// live redraws until it is interrupted, which is how it ends well.
func (t top) live(ctx context.Context, w io.Writer) error {
	s := screen{w: w}
	err := poll(ctx, lookOnTerminal, func() (bool, error) {
		var text bytes.Buffer
		if _, err := t.write(ctx, &text); err != nil {
			return false, err
		}
		return false, s.draw(text.String())
	})
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// lines writes again and again until no download is left.
func (t top) lines(ctx context.Context, w io.Writer) error {
	return poll(ctx, lookElsewhere, func() (bool, error) {
		n, err := t.write(ctx, w)
		return n == 0, err
	})
}

// poll calls look, now and then at an interval, until it says that it is done, fails, or ctx ends.
func poll(ctx context.Context, interval time.Duration, look func() (done bool, err error)) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		if done, err := look(); done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
