// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import "context"

func (c *Cluster) startAddons(ctx context.Context, options Options) error { return nil }
