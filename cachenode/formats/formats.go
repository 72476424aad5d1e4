// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package formats looks into files of weights, so that what is not what its name
// says is refused before it is sealed: a safetensors header that lies about what
// follows, or a pickle, which can run code when it is loaded, under whatever name.
//
// It judges bytes and keeps none; parsing takes memory for one tensor's entry and a
// list of extents, whatever a header claims.
package formats

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/hoist-dev/hoist/cachenode"
)

// Inspector implements cachenode.Inspector.
type Inspector struct {
	AllowPickle bool // take files that can run code when they are loaded
}

// Head judges a file by its first bytes, which are at least 4 MiB or all of it. It
// never refuses what Whole would take.
func (i Inspector) Head(f cachenode.File, head []byte) error {
	if !i.AllowPickle && isPickle(head) {
		return refused(f, errors.New("its content is a pickle and can run code when loaded"), "convert it to safetensors, leave it out with --exclude, or say --allow-pickle")
	}
	switch extension(f) {
	case ".safetensors":
		err := checkSafetensors(bytes.NewReader(head), f.Size)
		if errors.Is(err, io.ErrUnexpectedEOF) && int64(len(head)) < f.Size {
			return nil // a header longer than what is here: Whole will tell
		}
		return lies(f, err)
	case ".gguf":
		return lies(f, checkGGUF(head))
	}
	return nil
}

// Whole judges the complete file.
func (i Inspector) Whole(f cachenode.File, content io.ReaderAt) error {
	if extension(f) != ".safetensors" {
		return nil // the head said it all
	}
	return lies(f, checkSafetensors(io.NewSectionReader(content, 0, f.Size), f.Size))
}

func extension(f cachenode.File) string { return strings.ToLower(path.Ext(f.Path)) }

func lies(f cachenode.File, err error) error {
	if err == nil {
		return nil
	}
	return refused(f, err, "the upload is damaged or not what its name says: upload it again")
}

func refused(f cachenode.File, err error, hint string) error {
	return &cachenode.Error{Kind: cachenode.ErrUnsafe, Op: "inspect", Subject: fmt.Sprintf("%q", f.Path), Err: err, Hint: hint}
}
