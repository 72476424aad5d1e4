// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package juicefstest formats JuiceFS volumes and writes files into them, with the
// client that JuiceFS itself is made of. It needs cgo, as that client does.
package juicefstest
