// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package plan

// hash is FNV-1a of the parts, each ended by a zero byte. It must never change: it says where copies go.
func hash(parts ...string) uint64 {
	const offset, prime = 14695981039346656037, 1099511628211
	h := uint64(offset)
	for _, part := range parts {
		for i := range len(part) {
			h = (h ^ uint64(part[i])) * prime
		}
		h *= prime
	}
	return mix(h)
}

// weight of a node for a model: the nodes with the highest are chosen (rendezvous hashing), so that a node that joins or goes
// moves its own share alone.
func weight(model, node uint64) uint64 { return mix(model ^ mix(node)) }

// mix is the finalizer of splitmix64: every bit of x changes half of the result's.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
