// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package origin

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// Access is all that decides how an origin is read. Two Models with equal Access share a Source.
type Access struct {
	Scheme           string // of the URI
	Endpoint, Region string // "" is the kind's own, or the environment's
	Anonymous        bool   // use no credentials, not even those of the process
	Namespace        string // of the Model, where that decides what it may read

	// Repo is the repository, as owner/repo, that the model is laid out as; "" leaves it as it is at the source.
	Repo string

	// Secret holds the keys of the Model's Secret that its kind of source knows; nil is the identity of the process.
	Secret map[string]string
}

// String keeps the secret out of logs.
func (a Access) String() string {
	return fmt.Sprintf("%s:// at endpoint %q, region %q", a.Scheme, a.Endpoint, a.Region)
}

// GoString keeps the secret out of logs.
func (a Access) GoString() string { return a.String() }

// sum tells one Access from another, without keeping its secret.
func (a Access) sum() [sha256.Size]byte {
	fields := []string{a.Scheme, a.Endpoint, a.Region, strconv.FormatBool(a.Anonymous), a.Namespace, a.Repo}
	for _, key := range slices.Sorted(maps.Keys(a.Secret)) {
		fields = append(fields, key, a.Secret[key])
	}
	return sha256.Sum256(fmt.Appendf(nil, "%q", fields))
}
