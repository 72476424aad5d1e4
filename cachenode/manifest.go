// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cachenode

import (
	"cmp"
	"fmt"
	"slices"
	"unicode/utf8"
)

// Manifest is one immutable set of files at one origin. Its Revision is the
// digest of the canonical encoding, so equal revisions mean equal bytes.
type Manifest struct {
	Origin Origin `json:"origin"`
	Files  []File `json:"files"` // sorted by Path
}

// Origin is where the files of a manifest live. It holds no credentials.
type Origin struct {
	Scheme   string `json:"scheme"`
	Endpoint string `json:"endpoint,omitempty"` // "" is the provider's own
	Bucket   string `json:"bucket"`             // as in Ref
	Prefix   string `json:"prefix"`             // "" or ends in "/"

	// Commit is the version of everything that Bucket holds, where there is one: two
	// commits are two revisions, and share the blobs of the files that they share.
	Commit string `json:"commit,omitempty"`
}

// String is the origin as a URI, without the endpoint.
func (o Origin) String() string {
	if o.Commit != "" {
		return o.Scheme + "://" + o.Bucket + "@" + o.Commit + "/" + o.Prefix
	}
	return o.Scheme + "://" + o.Bucket + "/" + o.Prefix
}

// File is one file of a model.
type File struct {
	Path   string   `json:"path"` // clean and relative, see CleanKey
	Size   int64    `json:"size"` // bytes
	Source Identity `json:"source"`

	// Parts are the sizes in bytes of the upload parts, in order, where a composite
	// checksum needs them. What the origin tells about them depends on the reader's
	// permissions, so they are no part of the revision.
	Parts []int64 `json:"parts,omitempty"`
}

// Identity is what the origin says a file's content is.
type Identity struct {
	Key       string   `json:"key"`
	ETag      string   `json:"etag"` // with its quotes, as HTTP has it (RFC 9110 §8.8.3); or what a source without HTTP puts there
	VersionID string   `json:"versionId,omitempty"`
	Checksum  Checksum `json:"checksum,omitzero"`
}

// Checksum is an object checksum in S3's terms, or git's. The zero value is "none".
type Checksum struct {
	Algorithm string `json:"algorithm"`           // CRC64NVME, CRC32C, CRC32, SHA256, SHA1 or GIT-SHA1
	Composite bool   `json:"composite,omitempty"` // a checksum of the parts' checksums
	Value     string `json:"value"`               // base64, without the "-N" suffix of a composite
}

// Bounds on a manifest: far above every known model, far below trouble.
const (
	maxFiles = 100_000
	maxBytes = int64(1) << 50
)

// NewManifest sorts and validates.
func NewManifest(o Origin, files []File) (Manifest, error) {
	m := Manifest{Origin: o, Files: slices.Clone(files)}
	slices.SortFunc(m.Files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	return m, m.Validate()
}

// Validate reports why m can't be trusted to become a directory: ErrInvalid for
// what is malformed, ErrUnsafe for paths that are hostile or clash.
func (m Manifest) Validate() error {
	if len(m.Files) == 0 || len(m.Files) > maxFiles {
		return m.fault("%d files, between 1 and %d are allowed", len(m.Files), maxFiles)
	}
	paths := make([]string, 0, len(m.Files))
	left := maxBytes
	for i, f := range m.Files {
		if _, err := CleanKey(f.Path); err != nil {
			return err
		}
		if i > 0 && m.Files[i-1].Path > f.Path {
			return m.fault("files are not sorted at %q", clip(f.Path))
		}
		if f.Size < 0 || f.Size > left {
			return m.fault("size %d of %q", f.Size, clip(f.Path))
		}
		if !f.Source.isText() {
			return m.fault("the identity of %q is not UTF-8", clip(f.Path))
		}
		if !f.partsFit() {
			return m.fault("the parts of %q do not add up to its size", clip(f.Path))
		}
		left -= f.Size
		paths = append(paths, f.Path)
	}
	return clashes(paths)
}

// isText reports whether JSON keeps id as it is: what it does not would have another
// revision once it is read back.
func (id Identity) isText() bool {
	return utf8.ValidString(id.Key) && utf8.ValidString(id.ETag) && utf8.ValidString(id.VersionID) &&
		utf8.ValidString(id.Checksum.Algorithm) && utf8.ValidString(id.Checksum.Value)
}

func (f File) partsFit() bool {
	left := f.Size
	for _, n := range f.Parts {
		if n <= 0 || n > left {
			return false
		}
		left -= n
	}
	return len(f.Parts) == 0 || left == 0
}

func (m Manifest) fault(format string, args ...any) error {
	return &Error{Kind: ErrInvalid, Op: "validate manifest of", Subject: clip(m.Origin.String()), Err: fmt.Errorf(format, args...)}
}

// Bytes is the size of all files together.
func (m Manifest) Bytes() int64 {
	var sum int64
	for _, f := range m.Files {
		sum += f.Size
	}
	return sum
}
