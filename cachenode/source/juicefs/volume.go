// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !nojuicefs && (cgo || (nogspt && nosqlite))

package juicefs

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/juicedata/juicefs/pkg/meta"
	"github.com/juicedata/juicefs/pkg/object"

	"github.com/hoist-dev/hoist/cachenode"
)

// volume is a connection to one.
type volume struct {
	meta       meta.Meta
	store      object.ObjectStorage
	name, uuid string
	blockSize  int64 // bytes
	hashed     bool  // names of blocks begin with a hash
	unpack     unpack

	uses int // streams and calls; guarded by Source.mu
	idle bool
}

// stores are the object stores that a volume may have, those on this machine last.
var stores = []string{"s3", "minio", "gs", "wasb", "oss", "cos", "obs", "b2", "ceph", "redis", "tikv", "etcd", "file", "sqlite3"}

// local reports whether the blocks are files of this machine.
func local(store string) bool { return store == "file" || store == "sqlite3" }

// open connects to the volume of c.
func open(ctx context.Context, c Config) (*volume, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if path, ok := strings.CutPrefix(c.MetaURL, "sqlite3://"); ok {
		path, _, _ = strings.Cut(path, "?")
		if _, err := os.Stat(path); err != nil { // the library would make it
			return nil, &cachenode.Error{Kind: cachenode.ErrNotFound, Op: "open", Subject: "the metadata", Err: err}
		}
	}
	client, format, err := connect(ctx, c)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	v, err := load(c, client, format)
	if err != nil {
		_ = client.Shutdown() // its error is not the reason
		return nil, err
	}
	return v, nil
}

// load judges what the volume is.
func load(c Config, client meta.Meta, format *meta.Format) (v *volume, err error) {
	v = &volume{meta: client, name: format.Name, uuid: format.UUID, blockSize: int64(format.BlockSize) << 10, hashed: format.HashPrefix}
	if v.blockSize <= 0 || v.blockSize > meta.ChunkSize || meta.ChunkSize%v.blockSize != 0 {
		return nil, v.unfit(fmt.Errorf("blocks of %d KiB", format.BlockSize))
	}
	if v.unpack, err = unpacker(format.Compression); err != nil {
		return nil, v.unfit(err)
	}
	if v.store, err = c.storage(format); err != nil {
		return nil, err
	}
	return v, nil
}

func (v *volume) unfit(err error) error {
	return &cachenode.Error{Kind: cachenode.ErrUnsupported, Op: "open", Subject: Scheme + "://" + v.name + "/", Err: err}
}

// storage opens the object store that the metadata names.
func (c Config) storage(format *meta.Format) (object.ObjectStorage, error) {
	subject := "the object store of the volume " + format.Name
	kind := strings.ToLower(format.Storage)
	if !slices.Contains(stores, kind) || local(kind) && !c.Local {
		return nil, &cachenode.Error{Kind: cachenode.ErrUnsupported, Op: "open", Subject: subject, Err: fmt.Errorf("%q is none that may be read here", format.Storage)}
	}
	if u, err := url.Parse(format.Bucket); err == nil && u.RawQuery != "" && !c.Local {
		return nil, &cachenode.Error{Kind: cachenode.ErrUnsupported, Op: "open", Subject: subject, Err: errors.New("its URL has parameters")}
	}
	blob, err := c.blobs(kind, format)
	if err == nil && format.EncryptKey != "" {
		blob, err = c.decrypted(blob, format)
	}
	if _, known := errors.AsType[*cachenode.Error](err); err != nil && !known {
		err = &cachenode.Error{Kind: cachenode.ErrInvalid, Op: "open", Subject: subject, Err: errors.New(c.withoutSecrets(err.Error()))}
	}
	return blob, err
}

// blobs are the volume's blocks as they are stored.
func (c Config) blobs(kind string, format *meta.Format) (blob object.ObjectStorage, err error) {
	if err := format.Decrypt(); err != nil {
		return nil, err //nolint:wrapcheck // storage says what it is about
	}
	key, secret := format.AccessKey, format.SecretKey
	if c.AccessKey != "" {
		key, secret = c.AccessKey, c.SecretKey
	}
	if format.Shards > 1 {
		blob, err = object.NewSharded(kind, format.Bucket, key, secret, format.SessionToken, format.Shards)
	} else {
		blob, err = object.CreateStorage(kind, format.Bucket, key, secret, format.SessionToken)
	}
	if err != nil {
		return nil, err //nolint:wrapcheck // see above
	}
	return object.WithPrefix(blob, format.Name+"/"), nil
}

// decrypted are blobs of an encrypted volume as they were written.
func (c Config) decrypted(blob object.ObjectStorage, format *meta.Format) (object.ObjectStorage, error) {
	private, err := object.ParsePrivateKeyFromPem([]byte(format.EncryptKey), []byte(c.Passphrase))
	if err != nil {
		return nil, &cachenode.Error{Kind: cachenode.ErrDenied, Op: "open", Subject: "the object store of the volume " + format.Name, Err: errors.New("its key can't be opened"), Hint: "give the passphrase, JFS_RSA_PASSPHRASE"}
	}
	encryptor, err := object.NewDataEncryptor(object.NewKeyEncryptor(private), format.EncryptAlgo)
	if err != nil {
		return nil, err //nolint:wrapcheck // see above
	}
	return object.NewEncrypted(blob, encryptor), nil
}

// unreachable is a metadata server that does not answer, or not to us.
func (c Config) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("connect to the metadata: %w", context.Cause(ctx))
	}
	text := c.withoutSecrets(err.Error())
	e := &cachenode.Error{Kind: cachenode.ErrUnavailable, Op: "connect to", Subject: "the metadata", Err: errors.New(text), Hint: "check the metadata URL, and that its server is up"}
	if strings.Contains(text, "not formatted") || strings.HasPrefix(text, "json: ") || strings.HasPrefix(text, "check version: ") {
		e.Kind, e.Hint = cachenode.ErrInvalid, "give the metadata of a volume that this version of JuiceFS can read"
	}
	if strings.HasPrefix(text, "Invalid meta driver") {
		e.Kind, e.Hint = cachenode.ErrUnsupported, "SQLite is in builds with cgo only, such as the agent's image"
	}
	for _, refusal := range []string{"NOAUTH", "WRONGPASS", "NOPERM", "authentication failed", "Access denied"} {
		if strings.Contains(text, refusal) { // of three libraries, without a common type
			e.Kind, e.Hint = cachenode.ErrDenied, "check the user and the password of the metadata URL"
		}
	}
	return e
}
