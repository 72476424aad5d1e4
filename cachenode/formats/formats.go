// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package formats looks into files of weights, so that what is not what its name
// says is refused before it is sealed: a safetensors header that lies about what
// follows, an index that names files outside of the model, or a pickle, which can run
// code when it is loaded, under whatever name.
//
// It judges bytes and keeps none; parsing takes memory for one name or value and a
// list of extents, at most 128 MiB, whatever a header claims.
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

var _ cachenode.Inspector = Inspector{}

// Head judges a file by its first bytes, which are at least 4 MiB or all of it. It
// never refuses what Whole would take.
func (i Inspector) Head(f cachenode.File, head []byte) error {
	name := strings.ToLower(f.Path)
	weights := path.Ext(name) == ".safetensors"
	if !i.AllowPickle && isPickle(head) && (!weights || !beginsLikeSafetensors(head)) {
		return pickled(f, errPickle)
	}
	if path.Ext(name) == ".gguf" {
		return lies(f, checkGGUF(head))
	}
	err := check(name, bytes.NewReader(head), f.Size)
	if errors.Is(err, io.ErrUnexpectedEOF) && int64(len(head)) < f.Size {
		return nil // there is more than this: Whole will tell
	}
	return lies(f, err)
}

// Whole judges the complete file. A read that fails is returned as it is: it says
// nothing about the content.
func (i Inspector) Whole(f cachenode.File, content io.ReaderAt) error {
	read := &watched{ReaderAt: content}
	err := i.whole(f, io.NewSectionReader(read, 0, f.Size))
	if read.failure != nil {
		return fmt.Errorf("read %s: %w", f.Path, read.failure)
	}
	return err
}

func (i Inspector) whole(f cachenode.File, content *io.SectionReader) error {
	head := make([]byte, min(f.Size, 1<<10))
	if _, err := content.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return lies(f, err)
	}
	if err := i.Head(f, head); err != nil {
		return err
	}
	if !i.AllowPickle && isZip(head) {
		if err := checkZip(content, f.Size); err != nil {
			return pickled(f, err)
		}
	}
	return lies(f, check(strings.ToLower(f.Path), content, f.Size))
}

// watched remembers that a read failed, so that a bad disk is not taken for a bad file.
type watched struct {
	io.ReaderAt

	failure error
}

func (w *watched) ReadAt(p []byte, off int64) (int, error) {
	n, err := w.ReaderAt.ReadAt(p, off)
	if err != nil && !errors.Is(err, io.EOF) {
		w.failure = err
	}
	return n, err //nolint:wrapcheck // io.EOF must pass as it is
}

// check reads what a file of this name says about itself.
func check(name string, r io.Reader, size int64) error {
	switch {
	case path.Ext(name) == ".safetensors":
		return checkSafetensors(r, size)
	case strings.HasSuffix(name, ".safetensors.index.json"):
		return checkIndex(r, size)
	}
	return nil
}

func lies(f cachenode.File, err error) error {
	if err == nil {
		return nil
	}
	return refused(f, err, "the upload is damaged or not what its name says: upload it again")
}

func pickled(f cachenode.File, err error) error {
	return refused(f, err, "convert it to safetensors, leave it out with --exclude, or say --allow-pickle")
}

func refused(f cachenode.File, err error, hint string) error {
	return &cachenode.Error{Kind: cachenode.ErrUnsafe, Op: "inspect", Subject: fmt.Sprintf("%q", f.Path), Err: err, Hint: hint}
}
