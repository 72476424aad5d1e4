// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cachenode

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Ref names an origin the way a person writes it:
//
//	s3://bucket/prefix/            the directory prefix/, and nothing else
//	s3://bucket/prefix             the directory prefix/ if it has keys, else the object prefix
//	s3://bucket/key?versionId=V    one version of one object
//
// The key is taken as it is written, without percent-decoding, as the AWS CLI does.
type Ref struct {
	Scheme    string // "s3"
	Bucket    string
	Key       string // "" is the whole bucket
	VersionID string // only with a single object
}

// maxKey is S3's limit on a key, in bytes of UTF-8.
const maxKey = 1024

// ParseRef reads a URI. The error names the URI, except for a part that may be a
// credential, which it never repeats.
func ParseRef(uri string) (Ref, error) {
	scheme, rest, ok := strings.Cut(uri, "://")
	if !ok || !validScheme(scheme) {
		return Ref{}, invalidRef(uri, "no scheme", "write it as s3://bucket/prefix/")
	}
	bucket, key, _ := strings.Cut(rest, "/")
	if strings.Contains(bucket, "@") || signed(rest) {
		return Ref{}, invalidRef(uri, "credentials in the URI",
			"take them out: Hoist reads the standard AWS environment and profiles")
	}
	ref := Ref{Scheme: scheme, Bucket: bucket, Key: key}
	if at := strings.LastIndex(key, "?versionId="); at >= 0 {
		ref.Key, ref.VersionID = key[:at], key[at+len("?versionId="):]
		if ref.VersionID == "" || ref.Key == "" || ref.Dir() {
			return Ref{}, invalidRef(uri, "versionId without an object", "a version names one object: s3://bucket/key?versionId=V")
		}
	}
	if why := ref.fault(); why != "" {
		return Ref{}, invalidRef(uri, why, "write it as s3://bucket/prefix/")
	}
	return ref, nil
}

// Dir reports whether the Ref can only be a directory.
func (r Ref) Dir() bool { return r.Key == "" || strings.HasSuffix(r.Key, "/") }

// String is the inverse of ParseRef.
func (r Ref) String() string {
	s := r.Scheme + "://" + r.Bucket + "/" + r.Key
	if r.VersionID != "" {
		s += "?versionId=" + r.VersionID
	}
	return s
}

func (r Ref) fault() string {
	switch {
	case r.Bucket == "":
		return "no bucket"
	case len(r.Bucket) > 255 || strings.Trim(r.Bucket, bucketChars) != "" || strings.Trim(r.Bucket, ".") == "":
		return fmt.Sprintf("bad bucket name %q", clip(r.Bucket))
	case len(r.Key) > maxKey:
		return fmt.Sprintf("key of %d bytes, S3 allows %d", len(r.Key), maxKey)
	case !utf8.ValidString(r.Key+r.VersionID) || strings.ContainsFunc(r.Key+r.VersionID, isControl):
		return "key is not printable UTF-8"
	case len(r.VersionID) > maxKey:
		return "versionId too long"
	}
	return ""
}

const (
	lowers      = "abcdefghijklmnopqrstuvwxyz"
	digits      = "0123456789"
	bucketChars = lowers + "ABCDEFGHIJKLMNOPQRSTUVWXYZ" + digits + "._-"
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
