// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package pagecache

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

func mincore(data, there []byte) error {
	_, _, errno := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(unsafe.SliceData(data))), uintptr(len(data)), uintptr(unsafe.Pointer(unsafe.SliceData(there))))
	if errno != 0 {
		return errno
	}
	return nil
}
