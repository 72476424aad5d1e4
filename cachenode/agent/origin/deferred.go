// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package origin

import (
	"context"
	"io"

	"github.com/hoist-dev/hoist/cachenode"
)

// deferred is a source that can't be opened: it says so when it is used, and not before. A process opens all kinds, and uses few.
type deferred struct{ why error }

// Resolve implements [cachenode.Source].
func (d deferred) Resolve(context.Context, cachenode.Ref, cachenode.Selection) (cachenode.Manifest, error) {
	return cachenode.Manifest{}, d.why
}

// Open implements [cachenode.Source].
func (d deferred) Open(context.Context, cachenode.Origin, cachenode.File, cachenode.Range) (io.ReadCloser, error) {
	return nil, d.why
}
