// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package origin

import "sync"

var pool = sync.Pool{New: func() any { return new([burst]byte) }}

// buffers implements [httputil.BufferPool].
type buffers struct{}

// Get lends a buffer.
func (buffers) Get() []byte { return pool.Get().(*[burst]byte)[:] }

// Put takes it back.
func (buffers) Put(b []byte) { pool.Put((*[burst]byte)(b)) }
