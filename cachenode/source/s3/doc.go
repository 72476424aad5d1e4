// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package s3 reads models from S3 and from servers that speak its protocol.
//
// It promises:
//
//   - A prefix is a directory: what Resolve lists lies under "prefix/" and never
//     under a sibling that begins with the same letters. Nothing there is an error.
//   - Every file is pinned when it is resolved: ETag, size, version id when the
//     bucket keeps versions, and the checksum when the object has one.
//   - Every answer to Open is compared with what was pinned and asked for, header by
//     header, even when the server was asked to do so itself: servers exist that
//     ignore If-Match or Range.
//   - Every failure has one of the kinds of package cachenode, decided in one table
//     (errors.go). Its text holds no credential, no signature and no query.
//
// It assumes that an ETag changes whenever the content does (RFC 9110 §8.8.3: a
// strong validator) and that the credentials come from the standard AWS chain.
//
// Open is one request and never retried here. The requests of Resolve carry no
// content and have no other owner, so they are tried up to five times.
//
// One request more than that is made only to learn: the region of a bucket, the
// reason behind a HEAD without a body, or that versions may not be read by id.
package s3
