// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build nojuicefs || (!cgo && !nogspt)

package origin

// juiceFS is what the JuiceFS library adds: nothing.
func juiceFS() map[string]kind { return nil }
