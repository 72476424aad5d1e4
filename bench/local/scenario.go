// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package local

import (
	"context"
	"path/filepath"

	"github.com/hoist-dev/hoist/bench/initializer"
	"github.com/hoist-dev/hoist/bench/pagecache"
	"github.com/hoist-dev/hoist/bench/result"
)

// scenario is where the weights are when the server is wanted.
type scenario struct {
	name, what string
	baseline   bool
	folder     string                                      // of the working folder, where the server finds them
	fresh      bool                                        // the folder is empty at first: all bytes come from the origin
	memory     bool                                        // all of it is in memory at first, else nothing
	phase      string                                      // of fetch
	fetch      func(*bench, context.Context, string) error // into the folder; nil is nothing to do
	peer       *peer                                       // it is what somebody would use instead of Hoist
}

var scenarios = []scenario{
	{name: "storage initializer", what: "An init container downloads the model into an empty folder, one file after the other, ten ranges of 8 MiB at a time as boto3 does.",
		baseline: true, folder: "initializer", fresh: true, phase: "download", fetch: (*bench).initialize},
	{name: "hoist, cold node", what: "hoist get downloads the model into an empty folder, verifies it and makes it durable.",
		folder: "cold", fresh: true, phase: "download", fetch: (*bench).get},
	{name: "hoist, warm disk", what: "Hoist has put the model on this disk before; none of it is in memory. hoist get looks whether it is current.",
		folder: "warm", phase: "hoist get", fetch: (*bench).get},
	{name: "hoist, warm memory", what: "The same, and all of it is in the page cache.",
		folder: "warm", memory: true, phase: "hoist get", fetch: (*bench).get},
	{name: "plain disk", what: "A plain copy of the files on the same disk, nothing in memory, and no Hoist: what the disk can do.", folder: "plain"},
	{name: "plain memory", what: "The same, and all of it is in the page cache: what memory can do.", folder: "plain", memory: true},
}

// Scenarios are the names of all scenarios, but for those of peers.
func Scenarios() []string {
	var names []string
	for _, s := range scenarios {
		names = append(names, s.name)
	}
	return names
}

func find(name string) *scenario {
	for _, all := range [][]scenario{scenarios, peers} {
		for i := range all {
			if all[i].name == name {
				return &all[i]
			}
		}
	}
	return nil
}

func (b *bench) initialize(ctx context.Context, dir string) (err error) {
	b.pulled, err = initializer.Download(ctx, b.s3, b.bucket, b.prefix, dir)
	return err
}

// prepare brings the state about that the scenario claims, and proves it.
func (b *bench) prepare(ctx context.Context, s *scenario) ([]result.Proof, error) {
	if s.peer != nil {
		return nil, b.preparePeer(ctx, s)
	}
	dir := b.dir(s.folder)
	if s.fresh {
		return nil, b.clear(s.folder)
	}
	if err := pagecache.Drop(dir); err != nil {
		return nil, err
	}
	if s.memory {
		if err := b.readAll(ctx, dir); err != nil {
			return nil, err
		}
	}
	resident, total, err := pagecache.Resident(dir)
	proof := result.Proof{Name: "bytes in memory before", Got: resident, Want: atMost(total / 50), OK: resident <= total/50}
	if s.memory {
		proof = result.Proof{Name: proof.Name, Got: resident, Want: atLeast(total - total/50), OK: resident >= total-total/50}
	}
	return []result.Proof{proof}, err
}

// fetched proves where the bytes came from.
func (b *bench) fetched(s *scenario, fromOrigin int64) result.Proof {
	if s.fresh {
		least := b.bytes
		if s.peer != nil && s.peer.mounts {
			least = b.bytes * 8 / 10 // what the server reads: not the tokenizer
		}
		return result.Proof{Name: "bytes from the origin", Got: fromOrigin, Want: atLeast(least), OK: fromOrigin >= least}
	}
	const listing = 1 << 20
	return result.Proof{Name: "bytes from the origin", Got: fromOrigin, Want: atMost(listing), OK: fromOrigin <= listing}
}

func (b *bench) dir(name string) string { return filepath.Join(b.work, name) }
