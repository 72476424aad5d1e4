// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package formats

import (
	"bytes"
	"errors"
)

// checkGGUF looks for the magic of a GGUF file
// (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).
func checkGGUF(head []byte) error {
	if !bytes.HasPrefix(head, []byte("GGUF")) {
		return errors.New("it does not begin with the magic of a GGUF file")
	}
	return nil
}
