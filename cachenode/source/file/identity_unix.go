// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package file

import (
	"fmt"
	"io/fs"
	"syscall"
)

// nonblocking has open(2) return at once where a pipe took the place of a file.
const nonblocking = syscall.O_NONBLOCK

// identity of a file's content: any of its parts changes when the content is replaced.
// The device is none of them: nodes that mount one volume number it as they please.
func identity(info fs.FileInfo) string {
	var inode uint64
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		inode = stat.Ino
	}
	return fmt.Sprintf(`"%x-%x-%x"`, inode, info.Size(), info.ModTime().UnixNano())
}
