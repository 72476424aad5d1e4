// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"bytes"
	"encoding/binary"
	"os"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/checksum"
)

// A journal remembers which chunks of a blob are written and verified: a header and
// then one record for each change. Records are appended after the data they speak
// of and never rewritten; a torn one at the end is ignored. All numbers are
// little-endian, and each unit ends in a CRC-32C of itself.
//
//	header  "hoistj1\n"  size u64  life [64]byte  crc u32
//	record  chunk u32    held u32  chunk's CRC-32C u32  crc u32
const (
	journalMagic  = "hoistj1\n"
	headerSize    = 8 + 8 + lifeSize + 4
	recordSize    = 16
	lifeSize      = 64
	recordHeld    = 1
	recordDropped = 0
)

type journal struct {
	file *file
	end  int64
}

// claims are the chunks that a journal says are on the disk.
type claims map[int]uint32 // CRC-32C by chunk

// startJournal begins a journal for a blob of size bytes in this life.
func startJournal(f *file, size int64, life string) (*journal, error) {
	if err := f.Truncate(0); err != nil {
		return nil, err
	}
	if _, err := f.WriteAt(header(size, life), 0); err != nil {
		return nil, err
	}
	return &journal{file: f, end: headerSize}, nil
}

func header(size int64, life string) []byte {
	h := make([]byte, headerSize)
	copy(h, journalMagic)
	binary.LittleEndian.PutUint64(h[8:], uint64(size))
	copy(h[16:16+lifeSize], life)
	binary.LittleEndian.PutUint32(h[headerSize-4:], checksum.Chunk(h[:headerSize-4]))
	return h
}

func (j *journal) append(chunk int, held uint32, crc32c uint32) error {
	var r [recordSize]byte
	binary.LittleEndian.PutUint32(r[0:], uint32(chunk))
	binary.LittleEndian.PutUint32(r[4:], held)
	binary.LittleEndian.PutUint32(r[8:], crc32c)
	binary.LittleEndian.PutUint32(r[12:], checksum.Chunk(r[:12]))
	if _, err := j.file.WriteAt(r[:], j.end); err != nil {
		return err
	}
	j.end += recordSize
	return nil
}

// parseJournal reads what a journal claims. ok is false if it is not a journal of a
// blob of this size; sameLife tells whether its claims can be trusted unread.
func parseJournal(raw []byte, size int64, life string) (claimed claims, end int64, sameLife, ok bool) {
	if len(raw) < headerSize || checksum.Chunk(raw[:headerSize-4]) != binary.LittleEndian.Uint32(raw[headerSize-4:]) ||
		string(raw[:8]) != journalMagic || binary.LittleEndian.Uint64(raw[8:]) != uint64(size) {
		return nil, 0, false, false
	}
	sameLife = bytes.Equal(raw[:headerSize], header(size, life))
	claimed, end = claims{}, headerSize
	for ; end+recordSize <= int64(len(raw)); end += recordSize {
		r := raw[end : end+recordSize]
		chunk := int(binary.LittleEndian.Uint32(r))
		if checksum.Chunk(r[:12]) != binary.LittleEndian.Uint32(r[12:]) || chunk >= cachenode.Chunks(size) {
			break
		}
		if binary.LittleEndian.Uint32(r[4:]) == recordHeld {
			claimed[chunk] = binary.LittleEndian.Uint32(r[8:])
		} else {
			delete(claimed, chunk)
		}
	}
	return claimed, end, sameLife, true
}

// lifetime names the time in which the kernel holds on to what was written: the boot,
// and the mount within it. Where the kernel does not tell, no two are equal.
func (f *fsys) lifetime() string {
	if f.life != "" {
		return f.life
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	mount, ok := mountID(f.root)
	if err != nil || !ok {
		return "unknown " + uniqueLife()
	}
	return string(boot[:min(36, len(boot))]) + " " + mount
}
