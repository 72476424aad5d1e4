// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package file

import (
	"fmt"
	"io/fs"
)

const nonblocking = 0

// identity of a file's content, where there are no inodes.
func identity(info fs.FileInfo) string {
	return fmt.Sprintf(`"%x-%x"`, info.Size(), info.ModTime().UnixNano())
}
