// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package juicefs reads models from JuiceFS volumes, by the URL of their metadata:
// juicefs://VOLUME/path. No mount, no FUSE, no root.
//
// A file's identity is its inode, size and time of modification, as the metadata has
// them. They are compared when a range is opened and again before its last bytes are
// handed out. Where the bytes of a range are is asked once for each 64 MiB; they are read
// from the volume's object store block by block, under the names that JuiceFS documents
// (https://juicefs.com/docs/community/internals/#juicefs-data), and pass no cache of
// JuiceFS's: ours is the cache.
//
// The metadata's URL and what the metadata says about the object store are input: on
// behalf of others (Config.Local is false) neither may lead to files of this machine or
// to addresses where credentials live.
//
// The package is empty in builds with the tag nojuicefs, and in builds without cgo that
// lack the tags nogspt and nosqlite: the library's process title and SQLite are in C.
package juicefs
