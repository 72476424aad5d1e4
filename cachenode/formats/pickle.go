// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package formats

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

var errPickle = errors.New("its content is a pickle and can run code when loaded")

// isPickle recognizes Python pickles by their first bytes: PROTO, a version and an
// opcode (PEP 307, PEP 3154, PEP 574; torch's old format begins so too), or a zip with
// a pickle as its first entry, which is how torch writes them. Pickles without PROTO
// can't be told from text.
func isPickle(head []byte) bool {
	if len(head) >= 3 && head[0] == 0x80 && head[1] <= 5 {
		return mayBegin(head[2])
	}
	// A local file header of a zip: signature, 22 bytes, lengths of name and extra, name.
	if isZip(head) && len(head) > 30 {
		n := int(head[26]) | int(head[27])<<8
		return pickleEntry(string(head[30:min(30+n, len(head))]))
	}
	return false
}

// mayBegin tells a pickle from a file that happens to begin with 0x80: the opcodes that
// can come first, because they need nothing on the stack, and PROTO again.
func mayBegin(opcode byte) bool {
	return strings.IndexByte("\x80\x82\x83\x84\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x95\x96()]}BCFGIJKLMNPSTUVXc", opcode) >= 0
}

func isZip(head []byte) bool { return bytes.HasPrefix(head, []byte("PK\x03\x04")) }

func pickleEntry(name string) bool {
	ext := strings.ToLower(path.Ext(name))
	return ext == ".pkl" || ext == ".pickle"
}

// checkZip looks for a pickle behind the first entry of a zip. A zip that can't be read
// here may be readable elsewhere, so it is refused.
func checkZip(content io.ReaderAt, size int64) error {
	r, err := zip.NewReader(&budget{content, 16 << 20}, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return fmt.Errorf("it begins like a zip archive, and its list of files can't be read: %w", err)
	}
	for _, f := range r.File {
		if pickleEntry(f.Name) {
			return errPickle
		}
	}
	return nil
}

// budget bounds how much is read, and with it the memory that a directory takes.
type budget struct {
	io.ReaderAt

	left int
}

func (b *budget) ReadAt(p []byte, off int64) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, errors.New("it is too long")
	}
	return b.ReaderAt.ReadAt(p, off) //nolint:wrapcheck // io.EOF must pass as it is
}
