// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build cgo && !nojuicefs

package juicefstest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"syscall"
	"time"

	"github.com/google/uuid"
	"github.com/juicedata/juicefs/pkg/chunk"
	"github.com/juicedata/juicefs/pkg/fs"
	"github.com/juicedata/juicefs/pkg/meta"
	"github.com/juicedata/juicefs/pkg/object"
	"github.com/juicedata/juicefs/pkg/utils"
	"github.com/juicedata/juicefs/pkg/vfs"
	"github.com/prometheus/client_golang/prometheus"
)

// Config says what volume to make.
type Config struct {
	Name    string
	MetaURL string
	Storage string // "file", "minio"
	Bucket  string // a folder with a slash at the end, or a URL
	AccessKey, SecretKey,
	Compression string // "", "lz4", "zstd"
	EncryptKey string // PEM of an RSA key, "" for none
	Passphrase string // of it
	BlockSize  int    // KiB; 0 is 4096
	HashPrefix bool
	Shards     int
}

// Volume is a formatted volume. Close ends its client.
type Volume struct {
	fs   *fs.FileSystem
	meta meta.Meta
	age  time.Duration
}

// Format makes a volume.
func Format(c Config) (*Volume, error) {
	utils.GetLogger("juicefs").SetOutput(io.Discard)
	format := &meta.Format{Name: c.Name, UUID: uuid.New().String(), Storage: c.Storage, Bucket: c.Bucket, AccessKey: c.AccessKey, SecretKey: c.SecretKey,
		BlockSize: max(c.BlockSize, 64), Compression: c.Compression, HashPrefix: c.HashPrefix, Shards: c.Shards, EncryptKey: c.EncryptKey,
		DirStats: true, MetaVersion: meta.MaxVersion, TrashDays: 0}
	if c.BlockSize == 0 {
		format.BlockSize = 4096
	}
	if c.EncryptKey != "" {
		format.EncryptAlgo = object.AES256GCM_RSA
	}
	client := meta.NewClient(c.MetaURL, meta.DefaultConf())
	if err := client.Init(format, false); err != nil {
		return nil, fmt.Errorf("format %s: %w", c.Name, err)
	}
	if _, err := client.Load(true); err != nil {
		return nil, fmt.Errorf("read the format of %s: %w", c.Name, err)
	}
	store, err := storage(c)
	if err != nil {
		return nil, err
	}
	conf := &vfs.Config{Meta: meta.DefaultConf(), Format: *format, Chunk: &chunk.Config{BlockSize: format.BlockSize << 10, Compress: c.Compression, HashPrefix: c.HashPrefix,
		MaxUpload: 4, MaxDownload: 4, MaxRetries: 3, GetTimeout: time.Minute, PutTimeout: time.Minute, BufferSize: 32 << 20, CacheDir: "memory"}}
	registry := prometheus.NewRegistry()
	files, err := fs.NewFileSystem(conf, client, chunk.NewCachedStore(store, *conf.Chunk, registry), registry)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", c.Name, err)
	}
	return &Volume{fs: files, meta: client}, nil
}

func storage(c Config) (object.ObjectStorage, error) {
	var blob object.ObjectStorage
	var err error
	if c.Shards > 1 {
		blob, err = object.NewSharded(c.Storage, c.Bucket, c.AccessKey, c.SecretKey, "", c.Shards)
	} else {
		blob, err = object.CreateStorage(c.Storage, c.Bucket, c.AccessKey, c.SecretKey, "")
	}
	if err != nil {
		return nil, fmt.Errorf("open the object store: %w", err)
	}
	if err := blob.Create(context.Background()); err != nil { //nolint:forbidigo // before there is anybody to cancel it
		return nil, fmt.Errorf("create the bucket: %w", err)
	}
	blob = object.WithPrefix(blob, c.Name+"/")
	if c.EncryptKey == "" {
		return blob, nil
	}
	private, err := object.ParsePrivateKeyFromPem([]byte(c.EncryptKey), []byte(c.Passphrase))
	if err != nil {
		return nil, fmt.Errorf("read the key: %w", err)
	}
	encryptor, err := object.NewDataEncryptor(object.NewKeyEncryptor(private), object.AES256GCM_RSA)
	if err != nil {
		return nil, fmt.Errorf("make the encryptor: %w", err)
	}
	return object.NewEncrypted(blob, encryptor), nil
}

// Close ends the client.
func (v *Volume) Close() error { return errors.Join(v.fs.Close(), v.meta.Shutdown()) }

func root() meta.Context { return meta.NewContext(1, 0, []uint32{0}) }

// Mkdir makes a folder, and those it is in.
func (v *Volume) Mkdir(dir string) error {
	return errno(v.fs.MkdirAll(root(), path.Clean("/"+dir), 0o755, 0))
}

// Write makes a file, or overwrites it in place. Its time of modification is one second
// later each time, so that no clock has to move for a change to show.
func (v *Volume) Write(name string, content []byte) error {
	name = path.Clean("/" + name)
	if err := v.Mkdir(path.Dir(name)); err != nil {
		return err
	}
	f, st := v.fs.Create(root(), name, 0o644, 0)
	if st == syscall.EEXIST {
		f, st = v.fs.Open(root(), name, vfs.MODE_MASK_W)
		if st == 0 {
			st = f.Truncate(root(), 0)
		}
	}
	if st != 0 {
		return st
	}
	for off := 0; off < len(content); off += 1 << 20 {
		if _, st := f.Pwrite(root(), content[off:min(off+1<<20, len(content))], int64(off)); st != 0 {
			return st
		}
	}
	if err := errors.Join(errno(f.Flush(root())), errno(f.Close(root()))); err != nil {
		return err
	}
	v.age += time.Second
	return v.touch(name, time.Now().Add(v.age))
}

// WriteAt changes part of a file.
func (v *Volume) WriteAt(name string, content []byte, off int64) error {
	f, st := v.fs.Open(root(), path.Clean("/"+name), vfs.MODE_MASK_W)
	if st != 0 {
		return st
	}
	if _, st := f.Pwrite(root(), content, off); st != 0 {
		return st
	}
	return errors.Join(errno(f.Flush(root())), errno(f.Close(root())))
}

func (v *Volume) touch(name string, at time.Time) error {
	f, st := v.fs.Open(root(), name, 0)
	if st != 0 {
		return st
	}
	return errors.Join(errno(f.Utime2(root(), at.Unix(), int64(at.Nanosecond()), at.Unix(), int64(at.Nanosecond()))), errno(f.Close(root())))
}

// Link makes a symbolic link.
func (v *Volume) Link(target, name string) error {
	if err := v.Mkdir(path.Dir(path.Clean("/" + name))); err != nil {
		return err
	}
	return errno(v.fs.Symlink(root(), target, path.Clean("/"+name)))
}

// Remove deletes a file.
func (v *Volume) Remove(name string) error { return errno(v.fs.Delete(root(), path.Clean("/"+name))) }

func errno(st syscall.Errno) error {
	if st == 0 {
		return nil
	}
	return st
}
