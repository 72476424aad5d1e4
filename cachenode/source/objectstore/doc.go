// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package objectstore reads models from object stores that do not speak S3's protocol,
// or not with the credentials at hand, through JuiceFS's package object: Azure Blob
// Storage, and Google Cloud Storage with the identity of the process.
//
// That package shows an object's size and time of modification and neither ETag nor
// checksum, so they are its identity. They are compared after a range was read and
// before its last bytes are handed out. A store that stamps objects in whole seconds
// hides what is replaced twice in one second by something of the same size.
//
// The package is empty in the builds in which source/juicefs is.
package objectstore
