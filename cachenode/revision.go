// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cachenode

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Revision names one immutable set of bytes: "sha256:" and 64 hex digits over the
// manifest's canonical encoding.
type Revision string

// BlobID names the content of one file by its identity at the origin: 64 hex
// digits. Two revisions that share a file share its blob. The origin's bucket is
// part of it, so one tenant's object never stands in for another's.
type BlobID string

const revisionPrefix = "sha256:"

// ParseRevision accepts what Revision prints and nothing else, so that a revision
// is always safe as a file name.
func ParseRevision(s string) (Revision, error) {
	hexed, ok := strings.CutPrefix(s, revisionPrefix)
	if !ok || !isDigest(hexed) {
		return "", &Error{Kind: ErrInvalid, Op: "parse revision", Subject: fmt.Sprintf("%q", clip(s)), Err: errors.New("want sha256: and 64 hex digits")}
	}
	return Revision(s), nil
}

// Hex is the digest without its prefix: a file name.
func (r Revision) Hex() string { return strings.TrimPrefix(string(r), revisionPrefix) }

// Short is the first 12 hex digits, for people.
func (r Revision) Short() string { return r.Hex()[:min(12, len(r.Hex()))] }

func isDigest(s string) bool {
	return len(s) == sha256.Size*2 && strings.Trim(s, digits+"abcdef") == ""
}

// ParseBlobID accepts 64 lower-case hex digits.
func ParseBlobID(s string) (BlobID, error) {
	if !isDigest(s) {
		return "", &Error{Kind: ErrInvalid, Op: "parse blob id", Subject: fmt.Sprintf("%q", clip(s)), Err: errors.New("want 64 hex digits")}
	}
	return BlobID(s), nil
}

// manifestVersion counts changes of the encoding. A reader refuses a newer one.
const manifestVersion = 1

type envelope struct {
	Version int      `json:"version"`
	Origin  Origin   `json:"origin"`
	Files   fileList `json:"files"`
}

// fileList is a list of files that is refused, when it is read, before it takes more
// memory than a manifest may: "{}" is 2 bytes of text and a File in memory.
type fileList []File

// UnmarshalJSON reads at most maxFiles files.
func (l *fileList) UnmarshalJSON(raw []byte) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if open, err := dec.Token(); err != nil || open != json.Delim('[') {
		return errors.Join(errors.New("files are no list"), err)
	}
	*l = nil
	for dec.More() {
		if len(*l) == maxFiles {
			return fmt.Errorf("more than %d files", maxFiles)
		}
		var f File
		if err := dec.Decode(&f); err != nil {
			return fmt.Errorf("file %d: %w", len(*l), err)
		}
		*l = append(*l, f)
	}
	return nil
}

// Canonical is the encoding that the revision is the digest of: compact JSON,
// fields in declaration order, files sorted by path, without Parts.
func (m Manifest) Canonical() []byte {
	files := make([]File, len(m.Files))
	for i, f := range m.Files {
		f.Parts = nil
		files[i] = f
	}
	return encode(envelope{manifestVersion, m.Origin, files})
}

// Revision is the digest of the canonical encoding.
func (m Manifest) Revision() Revision {
	return Revision(revisionPrefix + digest(m.Canonical()))
}

// Blob is the id of f's content.
func (m Manifest) Blob(f File) BlobID {
	o := m.Origin
	o.Prefix, o.Commit = "", "" // the key and the identity say it all
	return BlobID(digest(encode(struct {
		Origin Origin   `json:"origin"`
		Size   int64    `json:"size"`
		Source Identity `json:"source"`
	}{o, f.Size, f.Source})))
}

// Encode is the full encoding, Parts included, for storage.
func (m Manifest) Encode() []byte { return encode(envelope{manifestVersion, m.Origin, m.Files}) }

// maxManifest bounds what DecodeManifest reads, in bytes.
const maxManifest = 64 << 20

// DecodeManifest reads one encoded manifest and validates it. Input is hostile
// until it passed.
func DecodeManifest(r io.Reader) (Manifest, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxManifest+1))
	if err != nil {
		return Manifest{}, fmt.Errorf("read manifest: %w", err)
	}
	var env envelope
	switch err := json.Unmarshal(raw, &env); {
	case len(raw) > maxManifest:
		return Manifest{}, badManifest(fmt.Errorf("larger than %d bytes", maxManifest))
	case err != nil:
		return Manifest{}, badManifest(err)
	case env.Version != manifestVersion:
		return Manifest{}, badManifest(fmt.Errorf("version %d, this build reads %d", env.Version, manifestVersion))
	}
	m := Manifest{Origin: env.Origin, Files: env.Files}
	return m, m.Validate()
}

func badManifest(err error) error {
	return &Error{Kind: ErrInvalid, Op: "decode", Subject: "manifest", Err: err}
}

func encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic("cachenode: manifest types always encode: " + err.Error())
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
