// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package checksum

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/hoist-dev/hoist/cachenode"
)

// Object compares one object with the checksum that its origin keeps. Bytes are
// added in any order; what was not added, or came too early for an algorithm that
// must go in order, is Pending and has to be read back. Methods are safe for
// concurrent use.
type Object struct {
	want   []byte
	digest digest // nil: nothing to compare with
	size   int64
}

// digest is one algorithm at work on one object.
type digest interface {
	add(off int64, p []byte)
	pending() (cachenode.Range, bool)
	drop(r cachenode.Range)
	value() []byte // of all bytes; only valid when nothing is pending
}

// NewObject prepares to verify an object of size bytes. The sizes of the parts it
// was uploaded in are needed for a composite checksum only. A checksum of an
// unknown algorithm, or a composite without the parts that make up the object,
// verifies nothing; a value that can't be one of its algorithm is ErrInvalid.
//
// S3's rules: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
func NewObject(c cachenode.Checksum, size int64, parts []int64) (*Object, error) {
	if !c.Composite {
		parts = []int64{size}
	}
	if !divide(size, parts) {
		return &Object{}, nil
	}
	d := newDigest(c, parts)
	if d == nil {
		return &Object{}, nil
	}
	want, err := base64.StdEncoding.DecodeString(c.Value)
	if err != nil || len(want) != len(d.value()) {
		return nil, &cachenode.Error{Kind: cachenode.ErrInvalid, Op: "read", Subject: c.Algorithm + " checksum",
			Err: fmt.Errorf("%q is not one", c.Value)}
	}
	return &Object{want: want, digest: d, size: size}, nil
}

// divide reports whether parts make up size bytes.
func divide(size int64, parts []int64) bool {
	for _, n := range parts {
		if n < 0 || n > size {
			return false
		}
		size -= n
	}
	return len(parts) > 0 && size == 0
}

func newDigest(c cachenode.Checksum, parts []int64) digest {
	switch strings.ToUpper(c.Algorithm) {
	case "CRC64NVME":
		return newCombined(crc64nv, parts, c.Composite)
	case "CRC32C":
		return newCombined(crc32c, parts, c.Composite)
	case "CRC32":
		return newCombined(crc32ieee, parts, c.Composite)
	case "SHA256":
		return newSequential(newSHA256, parts, c.Composite)
	case "SHA1":
		return newSequential(newSHA1, parts, c.Composite)
	case "GIT-SHA1":
		return newSequential(newGitBlob(parts), parts, false)
	}
	return nil
}

// Verifies reports whether there is something to compare with.
func (o *Object) Verifies() bool { return o.digest != nil }

// Add takes the bytes p at off. Bytes that were added before are not taken again,
// until they are dropped.
func (o *Object) Add(off int64, p []byte) {
	if o.digest != nil {
		o.digest.add(off, p)
	}
}

// Pending is the first range that has yet to be added, if there is one.
func (o *Object) Pending() (cachenode.Range, bool) {
	if o.digest == nil {
		return cachenode.Range{}, false
	}
	return o.digest.pending()
}

// Drop forgets the bytes of r, and maybe bytes around it: what is Pending
// afterwards covers r.
func (o *Object) Drop(r cachenode.Range) {
	if o.digest != nil {
		o.digest.drop(r)
	}
}

// Verify compares. Different bytes are ErrCorrupt with a *Mismatch; bytes that are
// pending are ErrIncomplete.
func (o *Object) Verify() error {
	if o.digest == nil {
		return nil
	}
	if r, ok := o.digest.pending(); ok {
		return &cachenode.Error{Kind: cachenode.ErrIncomplete, Op: "verify", Subject: "object",
			Err: fmt.Errorf("%d bytes at %d were not added", r.Len, r.Off)}
	}
	if got := o.digest.value(); !bytes.Equal(got, o.want) {
		return &cachenode.Error{Kind: cachenode.ErrCorrupt, Op: "verify", Subject: "object",
			Err: &Mismatch{Want: o.want, Got: got, Ranges: []cachenode.Range{{Len: o.size}}}}
	}
	return nil
}

// Mismatch says that bytes are not what their checksum says, and where they may be
// wrong: one checksum over all of them can't tell where.
type Mismatch struct {
	Want, Got []byte
	Ranges    []cachenode.Range
}

// Error names both values, in S3's encoding.
func (m *Mismatch) Error() string {
	return "checksum is " + base64.StdEncoding.EncodeToString(m.Got) + ", the origin's is " + base64.StdEncoding.EncodeToString(m.Want)
}
