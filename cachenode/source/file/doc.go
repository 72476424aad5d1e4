// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package file reads models from file systems that this machine has mounted: a folder
// (file:///path), or a shared volume under the name of its claim (pvc://claim/path).
//
// A file's identity is its inode, size and time of modification. They are compared when
// a range is opened and again before its last bytes are handed out, so that what is
// written in between is noticed. There is no checksum: whoever can write the volume
// decides what the bytes are.
//
// What is in a folder is hostile until it is checked. All work goes through [os.Root]:
// a link that leads out of the folder (out of the volume, for pvc) is refused, and so
// are links to folders, devices, sockets and pipes.
package file
