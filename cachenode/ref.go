// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cachenode

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Ref names an origin the way a person writes it. What is behind the scheme depends on
// the kind of origin:
//
//	s3://bucket/prefix/            the directory prefix/, and nothing else; so for every object store
//	s3://bucket/prefix             the directory prefix/ if it has keys, else the object prefix
//	s3://bucket/key?versionId=V    one version of one object; s3 only
//	hf://owner/repo@revision/path  a repository of the Hugging Face Hub, or a path in it
//	juicefs://volume/path          a path in a JuiceFS volume
//	pvc://claim/path               a path in a volume that Hoist has mounted
//	file:///path                   a path of this machine
//
// The key is taken as it is written, without percent-decoding, as the AWS CLI does.
type Ref struct {
	Scheme    string // "s3"
	Bucket    string // what holds the files: a bucket, a volume, a claim, "owner/repo"; "" is this machine
	Key       string // without a leading slash; "" is all that Bucket holds
	VersionID string // of a single object; of hf a branch, tag or commit
}

// maxKey bounds a key, in bytes of UTF-8. It is the limit of S3 and of most that came after.
const maxKey = 1024

// ParseRef reads a URI. The error names the URI, except for a part that may be a
// credential, which it never repeats.
func ParseRef(uri string) (Ref, error) {
	scheme, rest, ok := strings.Cut(uri, "://")
	if !ok || !validScheme(scheme) {
		return Ref{}, invalidRef(uri, "no scheme", "write it as s3://bucket/prefix/")
	}
	holder, _, _ := strings.Cut(rest, "/")
	if strings.Contains(holder, "@") || signed(rest) {
		return Ref{}, invalidRef(uri, "credentials in the URI",
			"take them out: Hoist reads the environment and profiles, and on Kubernetes the Secret that spec.credentials names")
	}
	g := grammarOf(scheme)
	ref, why := g.parse(rest)
	if why == "" {
		ref.Scheme = scheme
		why = ref.fault()
	}
	if why != "" {
		return Ref{}, invalidRef(uri, why, "write it as "+g.form)
	}
	return ref, nil
}

// grammar is how the part behind "scheme://" is written.
type grammar struct {
	form  string                                // for people
	parse func(rest string) (r Ref, why string) // why is "" when rest is well-formed
}

// grammarOf takes a scheme that it does not know for an object store: whether there is a
// source for it is not the parser's business.
func grammarOf(scheme string) grammar {
	switch scheme {
	case "s3":
		return grammar{"s3://bucket/prefix/ or s3://bucket/key?versionId=V", parseVersioned}
	case "hf":
		return grammar{"hf://owner/repo or hf://owner/repo@revision/path", parseHub}
	case "file":
		return grammar{"file:///path", parseFile}
	case "juicefs":
		return grammar{"juicefs://volume/path/", parseVolume}
	case "pvc":
		return grammar{"pvc://claim/path/", parseVolume}
	}
	return grammar{scheme + "://bucket/prefix/", parseBucket}
}

// Dir reports whether the Ref can only be a directory.
func (r Ref) Dir() bool { return r.Key == "" || strings.HasSuffix(r.Key, "/") }

// String is the inverse of ParseRef.
func (r Ref) String() string {
	if r.Scheme == "hf" {
		return r.hubString()
	}
	s := r.Scheme + "://" + r.Bucket + "/" + r.Key
	if r.VersionID != "" {
		s += "?versionId=" + r.VersionID
	}
	return s
}

// fault is what no kind of origin allows.
func (r Ref) fault() string {
	switch {
	case len(r.Key) > maxKey:
		return fmt.Sprintf("path of %d bytes, at most %d are allowed", len(r.Key), maxKey)
	case !utf8.ValidString(r.Key+r.VersionID) || strings.ContainsFunc(r.Key+r.VersionID, isControl):
		return "path is not printable UTF-8"
	case len(r.VersionID) > maxKey:
		return "version too long"
	}
	return ""
}

const (
	lowers    = "abcdefghijklmnopqrstuvwxyz"
	digits    = "0123456789"
	nameChars = lowers + "ABCDEFGHIJKLMNOPQRSTUVWXYZ" + digits + "._-"
)

// validScheme follows RFC 3986 §3.1, lower case only.
func validScheme(s string) bool {
	return s != "" && len(s) <= 16 && strings.Contains(lowers, s[:1]) && strings.Trim(s, lowers+digits+"+.-") == ""
}

func isControl(r rune) bool { return r < 0x20 || r == 0x7f }

// signed recognizes a presigned URL by its query (AWS Signature Version 4, and 2): who
// has it has the object.
func signed(uri string) bool {
	uri = strings.ToLower(uri)
	for _, field := range [...]string{"x-amz-signature=", "x-amz-credential=", "x-amz-security-token=", "awsaccesskeyid="} {
		if strings.Contains(uri, field) {
			return true
		}
	}
	return false
}

// invalidRef names the URI, unless any of it may be a secret: with one mistake already
// in it, there is no telling where the secret begins.
func invalidRef(uri, why, hint string) error {
	subject := fmt.Sprintf("%q", clip(uri))
	if strings.Contains(uri, "@") || signed(uri) {
		subject = "URI"
	}
	return &Error{Kind: ErrInvalid, Op: "parse", Subject: subject, Err: errors.New(why), Hint: hint}
}

// clip keeps hostile input from flooding a message.
func clip(s string) string {
	if len(s) > 200 {
		return s[:200] + "…"
	}
	return s
}
