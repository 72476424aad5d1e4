// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package warm

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// window is how much of a file is looked at a time, in bytes: a page of answers for each 16 MiB.
const window = 1 << 30

// residentBytes asks mincore(2), which tells without touching a page. Nothing of the file is read.
func residentBytes(file *os.File, size int64) (resident int64, err error) {
	page := int64(os.Getpagesize())
	for offset := int64(0); offset < size; offset += window {
		length := min(window, size-offset)
		data, err := unix.Mmap(int(file.Fd()), offset, int(length), unix.PROT_READ, unix.MAP_SHARED)
		if err != nil {
			return 0, fmt.Errorf("map %s: %w", file.Name(), err)
		}
		pages := make([]byte, (length+page-1)/page)
		_, _, errno := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(&data[0])), uintptr(length), uintptr(unsafe.Pointer(&pages[0]))) //nolint:gosec // mincore takes addresses
		if err := unix.Munmap(data); err != nil {
			return 0, err
		}
		if errno != 0 {
			return 0, fmt.Errorf("mincore of %s: %w", file.Name(), errno)
		}
		for i, p := range pages {
			if p&1 != 0 {
				resident += min(page, length-int64(i)*page)
			}
		}
	}
	return resident, nil
}
