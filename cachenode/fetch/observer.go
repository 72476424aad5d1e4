// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fetch

import "time"

// Observer is told what happens, for metrics. Its methods are called from many
// goroutines, some while the scheduler is locked: they must return at once and not
// call back.
type Observer interface {
	// Received counts bytes that an origin kind ("s3", "peer") has sent, useful or not.
	Received(origin string, bytes int64)
	// Fetched reports a request that brought all it was asked for.
	Fetched(origin string, took time.Duration)
	// Retried reports a failure that is tried again, by its kind (cachenode.ErrThrottled ...).
	Retried(kind error)
	// Hedged reports a second request for a slow chunk.
	Hedged()
	// LimitChanged reports how many connections are now worth having.
	LimitChanged(connections int)
}

// originPeer is the origin kind of what other nodes send.
const originPeer = "peer"

// nobody observes nothing.
type nobody struct{}

func (nobody) Received(string, int64)        {}
func (nobody) Fetched(string, time.Duration) {}
func (nobody) Retried(error)                 {}
func (nobody) Hedged()                       {}
func (nobody) LimitChanged(int)              {}
