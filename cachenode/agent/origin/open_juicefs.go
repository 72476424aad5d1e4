// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !nojuicefs && (cgo || (nogspt && nosqlite))

package origin

import (
	"cmp"
	"context"
	"errors"
	"os"
	"regexp"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/source/juicefs"
	"github.com/hoist-dev/hoist/cachenode/source/objectstore"
)

// The keys of a Secret: those of JuiceFS are its own CSI driver's, so that one Secret does for both.
const (
	metaURL        = "metaurl"
	blockAccessKey = "access-key"
	blockSecretKey = "secret-key"
	passphrase     = "JFS_RSA_PASSPHRASE" //nolint:gosec // the name of a key

	azureAccount = "AZURE_STORAGE_ACCOUNT"
	azureKey     = "AZURE_STORAGE_KEY"
	azureToken   = "AZURE_STORAGE_SAS_TOKEN"
)

// juiceFS is what the JuiceFS library adds.
func juiceFS() map[string]kind {
	return map[string]kind{
		juicefs.Scheme: {[]string{metaURL}, []string{blockAccessKey, blockSecretKey, passphrase}, openJuiceFS},
		"az":           {[]string{azureAccount}, []string{azureKey, azureToken}, openAzure},
		"gs":           {[]string{accessKeyID, secretAccessKey}, nil, openGoogle},
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

// openAzure reads az://container/prefix/. Without a key it is read with the identity of the process.
func openAzure(_ context.Context, _ Options, a Access) (cachenode.Source, error) {
	c := objectstore.Config{Scheme: a.Scheme, Kind: "wasb", AccessKey: a.Secret[azureAccount], SecretKey: a.Secret[azureKey], Token: a.Secret[azureToken]}
	if a.Secret == nil {
		c.AccessKey, c.SecretKey, c.Token = os.Getenv(azureAccount), os.Getenv(azureKey), os.Getenv(azureToken)
	}
	account := c.AccessKey
	if !azureName.MatchString(account) { // it becomes part of a host name
		return deferred{&cachenode.Error{Kind: cachenode.ErrInvalid, Op: "open", Subject: "az://", Err: errors.New("the storage account has no name, or none that Azure allows"), Hint: "give " + azureAccount}}, nil
	}
	c.Bucket = func(container string) string {
		if container == "" { // the store as such: part of the identity of what is in it
			return "https://" + account + ".blob.core.windows.net"
		}
		return "https://" + container + ".blob.core.windows.net"
	}
	return objectstore.New(c), nil
}

// azureName is what Azure allows as the name of a storage account.
var azureName = regexp.MustCompile(`^[a-z0-9]{3,24}$`)

// openGoogle reads gs://bucket/prefix/: with an HMAC key, and public buckets, by S3's protocol; else with the identity of the process.
func openGoogle(ctx context.Context, o Options, a Access) (cachenode.Source, error) {
	if a.Secret != nil || a.Anonymous || cmp.Or(a.Endpoint, os.Getenv(accessKeyID)) != "" {
		return openStore(ctx, o, a)
	}
	return objectstore.New(objectstore.Config{Scheme: a.Scheme, Kind: "gs", Bucket: func(name string) string { return "gs://" + name }}), nil
}
