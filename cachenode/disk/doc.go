// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package disk keeps models on a local file system so that nothing half-written is
// ever taken for whole, whatever fails in between.
//
// Two stores share its parts. [Store] is a node's cache: content-addressed blobs, and
// for each revision a directory of hard links to them, so that a pod gets ordinary
// files and two revisions share what did not change. [Dir] is one model in one
// directory, for hoist get.
//
// The order of writes, which everything else rests on:
//
//	fill     data -> journal record (a chunk counts once its bytes were written)
//	seal     fsync data -> sums (write, fsync, rename) -> rename data into blobs/ -> fsync directory
//	publish  tree of links -> fsync -> rename -> fsync -> manifest (write, fsync, rename, fsync) = the index
//	delete   index -> fsync -> links -> blobs
//
// So a manifest in the index means that every byte it names is durable; a blob in
// blobs/ is whole and has its sums; what is elsewhere is unfinished and either
// resumed or swept. A failed fsync poisons the file: the kernel may have dropped the
// pages and will report success the next time, so the blob is discarded and fetched
// again (P. Rebello et al., "Can Applications Recover from fsync Failures?", ATC'20).
//
// Resume trusts the journal only while the same kernel has had the file system
// mounted without a break: then everything written is still in its page cache or on
// the disk. After a reboot or a remount each claimed chunk is read and compared
// with its recorded CRC-32C first.
//
// All file work goes through an [os.Root], so no symbolic link leads out of the
// store, and through one seam (fs.go), where tests inject faults and watch the order.
package disk
