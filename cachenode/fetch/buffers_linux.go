// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fetch

import "golang.org/x/sys/unix"

// mapRegion reserves size bytes of zeroed memory on a page boundary. Huge pages
// make it cheaper to fill; where there are none, small ones do.
func mapRegion(size int) ([]byte, error) {
	region, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
	if err == nil {
		_ = unix.Madvise(region, unix.MADV_HUGEPAGE) // a wish
	}
	return region, err
}

// releasePages gives the memory back and keeps the addresses.
func releasePages(region []byte) { _ = unix.Madvise(region, unix.MADV_DONTNEED) }

func unmapRegion(region []byte) error { return unix.Munmap(region) }
