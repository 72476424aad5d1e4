// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package cachetest proves adapters: an in-memory fake of each port of package
// cachenode, and for each port a suite of tests that states its contract.
//
// An adapter runs the suite of its port in its own tests:
//
//	func TestStore_KeepsTheContract(t *testing.T) {
//		cachetest.Store(t, func(t *testing.T) cachenode.Store { return open(t, t.TempDir()) })
//	}
//
// Code that uses a port is tested with the fakes. They keep the contract to the
// letter, hold everything in memory, are safe for concurrent use, and can be told
// to go wrong ([MemSource.Inject]).
package cachetest
