// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"context"
	"errors"

	"github.com/hoist-dev/hoist/cachenode"
)

// Request names a model by its origin: whatever is there now should be present.
type Request struct {
	Source    cachenode.Source
	Store     cachenode.Store
	Ref       cachenode.Ref
	Select    cachenode.Selection
	Priority  cachenode.Priority
	Inspector cachenode.Inspector // judges content before it is sealed; nil trusts it
	Progress  *Progress           // where to follow the request; nil is nowhere
}

// maxRestarts is how often an origin may change under a download.
const maxRestarts = 3

// Ensure resolves the request and fills what it resolved to. If the origin changes
// meanwhile it starts over, at most three times, and reports ErrChanged then; files
// that did not change are not fetched again.
func (s *Scheduler) Ensure(ctx context.Context, r Request) (cachenode.Manifest, error) {
	for restarts := 0; ; restarts++ {
		r.Progress.enter(Resolving)
		m, err := r.Source.Resolve(ctx, r.Ref, r.Select)
		if err != nil {
			return cachenode.Manifest{}, err
		}
		err = s.Fill(ctx, Job{Source: r.Source, Store: r.Store, Manifest: m, Priority: r.Priority, Inspector: r.Inspector, Progress: r.Progress})
		if err == nil {
			return m, nil
		}
		if !errors.Is(err, cachenode.ErrChanged) || restarts == maxRestarts {
			return cachenode.Manifest{}, err
		}
		s.Logger.Warn("origin changed during the download, starting over", "ref", r.Ref.String(), "err", err)
		s.Observer.Retried(cachenode.ErrChanged)
	}
}
