// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cachetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/hoist-dev/hoist/cachenode"
)

// Bucket is the one bucket of a MemSource.
const Bucket = "models"

// MemSource is an origin in memory: one bucket of objects, each with an ETag and a
// CRC-32C that follow from its content.
type MemSource struct {
	mu      sync.Mutex
	objects map[string]object
	faults  map[string][]*fault
	served  map[string]int64
	opened  map[string]int
}

type object struct {
	content  []byte
	identity cachenode.Identity
}

var _ cachenode.Source = (*MemSource)(nil)

// NewSource holds objects: their content by key. It keeps the slices.
func NewSource(objects map[string][]byte) *MemSource {
	s := &MemSource{objects: map[string]object{}, faults: map[string][]*fault{}, served: map[string]int64{}, opened: map[string]int{}}
	for key, content := range objects {
		s.Put(key, content)
	}
	return s
}

// Put makes or replaces an object. Other content is another identity: what was
// resolved before is ErrChanged from now on.
func (s *MemSource) Put(key string, content []byte) {
	digest := sha256.Sum256(content)
	crc := crc32.Checksum(content, crc32.MakeTable(crc32.Castagnoli))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[key] = object{content, cachenode.Identity{
		Key:  key,
		ETag: `"` + hex.EncodeToString(digest[:16]) + `"`,
		Checksum: cachenode.Checksum{
			Algorithm: "CRC32C",
			Value:     base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc)),
		},
	}}
}

// Remove deletes an object.
func (s *MemSource) Remove(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.objects, key)
}

// Served is how many bytes of an object were read so far.
func (s *MemSource) Served(key string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.served[key]
}

// Opened is how often a range of an object was asked for, failures included.
func (s *MemSource) Opened(key string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opened[key]
}

// Resolve lists what is in memory. A key that ends in "/" marks a directory and is
// no file.
func (s *MemSource) Resolve(ctx context.Context, ref cachenode.Ref, sel cachenode.Selection) (cachenode.Manifest, error) {
	if err := errors.Join(ctx.Err(), sel.Validate()); err != nil {
		return cachenode.Manifest{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	prefix, keys := s.list(ref)
	var files []cachenode.File
	for _, key := range keys {
		name := strings.TrimPrefix(key, prefix)
		if take, err := sel.Take(name); err != nil {
			return cachenode.Manifest{}, err
		} else if o := s.objects[key]; take {
			files = append(files, cachenode.File{Path: name, Size: int64(len(o.content)), Source: o.identity})
		}
	}
	if len(files) == 0 {
		return cachenode.Manifest{}, notFound("resolve", ref.String())
	}
	return cachenode.NewManifest(cachenode.Origin{Scheme: ref.Scheme, Bucket: ref.Bucket, Prefix: prefix}, files)
}

// list returns the keys of the directory that ref names, or else of the object, and
// the prefix in front of their paths. s.mu is held.
func (s *MemSource) list(ref cachenode.Ref) (prefix string, keys []string) {
	if ref.Bucket != Bucket {
		return "", nil
	}
	prefix = ref.Key
	if !ref.Dir() {
		prefix += "/"
	}
	for _, key := range slices.Sorted(maps.Keys(s.objects)) {
		if strings.HasPrefix(key, prefix) && !strings.HasSuffix(key, "/") {
			keys = append(keys, key)
		}
	}
	if _, ok := s.objects[ref.Key]; ok && len(keys) == 0 && !ref.Dir() {
		return strings.TrimSuffix(ref.Key, path.Base(ref.Key)), []string{ref.Key}
	}
	return prefix, keys
}

// Open streams a range of an object, or what a fault makes of it.
func (s *MemSource) Open(ctx context.Context, _ cachenode.Origin, f cachenode.File, r cachenode.Range) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	key := f.Source.Key
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened[key]++
	o, ok := s.objects[key]
	switch {
	case !ok || o.identity.ETag != f.Source.ETag:
		return nil, &cachenode.Error{Kind: cachenode.ErrChanged, Op: "get", Subject: key}
	case !inside(r, int64(len(o.content))):
		return nil, badRange(key, r, len(o.content))
	}
	body := &body{ctx: ctx, reader: bytes.NewReader(o.content[r.Off:r.End()]), count: func(n int) { s.count(key, n) }}
	if fault := s.next(key, r); fault != nil {
		if fault.err != nil {
			return nil, fault.err
		}
		body.reader = fault.wrap(ctx, body.reader, r)
	}
	return body, nil
}

func (s *MemSource) count(key string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.served[key] += int64(n)
}

// body is a stream that its context ends.
type body struct {
	ctx    context.Context
	reader io.Reader
	count  func(n int)
}

func (b *body) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := b.reader.Read(p)
	b.count(n)
	return n, err
}

func (b *body) Close() error { return nil }

// inside reports whether r is a range of size bytes, without overflow.
func inside(r cachenode.Range, size int64) bool {
	return r.Off >= 0 && r.Len > 0 && r.Len <= size && r.Off <= size-r.Len
}

func badRange(subject string, r cachenode.Range, size int) error {
	return &cachenode.Error{Kind: cachenode.ErrInvalid, Op: "get", Subject: subject, Err: fmt.Errorf("%d bytes at %d of %d", r.Len, r.Off, size)}
}

func notFound(op, subject string) error {
	return &cachenode.Error{Kind: cachenode.ErrNotFound, Op: op, Subject: subject}
}
