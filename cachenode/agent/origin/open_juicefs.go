// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !nojuicefs && (cgo || (nogspt && nosqlite))

package origin

import (
	"context"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/source/juicefs"
)

// The keys of a Secret, as JuiceFS's own CSI driver has them: one Secret does for both.
const (
	metaURL        = "metaurl"
	blockAccessKey = "access-key"
	blockSecretKey = "secret-key" //nolint:gosec // the name of a key
	passphrase     = "JFS_RSA_PASSPHRASE"
)

// juiceFS is what the JuiceFS library adds.
func juiceFS() map[string]kind {
	return map[string]kind{
		juicefs.Scheme: {[]string{metaURL}, []string{blockAccessKey, blockSecretKey, passphrase}, openJuiceFS},
	}
}

func openJuiceFS(_ context.Context, o Options, a Access) (cachenode.Source, error) {
	c := juicefs.Config{MetaURL: a.Secret[metaURL], AccessKey: a.Secret[blockAccessKey], SecretKey: a.Secret[blockSecretKey], Passphrase: a.Secret[passphrase],
		Local: o.Local, Logger: o.Log}
	if a.Secret == nil {
		c = c.WithEnvironment()
	}
	return juicefs.New(c), nil
}
