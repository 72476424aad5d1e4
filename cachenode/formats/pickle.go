// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package formats

import (
	"bytes"
	"errors"
)

// isPickle recognizes Python pickles by their first bytes: protocol 2 and later
// begin with PROTO and a version (PEP 307, PEP 3154, PEP 574), and torch wraps them
// in a zip whose first entry is <name>/data.pkl, or, in its old format, puts a
// pickled magic number first.
func isPickle(head []byte) bool {
	if len(head) >= 3 && head[0] == 0x80 && head[1] >= 2 && head[1] <= 5 {
		return plausibleOpcode(head[2])
	}
	// A local file header of a zip: signature, 22 bytes, lengths of name and extra, name.
	if len(head) > 30 && bytes.HasPrefix(head, []byte("PK\x03\x04")) {
		n := int(head[26]) | int(head[27])<<8
		name := head[30:min(30+n, len(head))]
		return bytes.HasSuffix(name, []byte("data.pkl")) || bytes.HasSuffix(name, []byte(".pkl"))
	}
	return false
}

// plausibleOpcode tells a pickle from a file that happens to begin with 0x80: what
// may follow PROTO at the start of a pickle that does anything.
func plausibleOpcode(b byte) bool {
	const opcodes = "\x95}])(cXCULJKMNGI\x8a\x8b\x8c\x8d\x8e\x88\x89\x8fTVS\x94q"
	return bytes.IndexByte([]byte(opcodes), b) >= 0
}

// checkGGUF looks for the magic of a GGUF file and a version that exists
// (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).
func checkGGUF(head []byte) error {
	if len(head) < 8 || !bytes.HasPrefix(head, []byte("GGUF")) {
		return errors.New("it does not begin with the magic of a GGUF file")
	}
	return nil
}
