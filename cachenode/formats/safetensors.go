// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package formats

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"slices"
)

// Limits of a safetensors header. The first is the format's own
// (https://github.com/huggingface/safetensors#format).
const (
	maxHeader  = 100_000_000 // bytes
	maxTensors = 1 << 20
	maxDims    = 64
)

// checkSafetensors reads the header of a safetensors file of size bytes and makes
// sure that its tensors cover the rest exactly: in range, without overlap or hole,
// each as long as its type and shape say. A header that r ends in the middle of is
// io.ErrUnexpectedEOF.
func checkSafetensors(r io.Reader, size int64) error {
	var prefix [8]byte
	if _, err := io.ReadFull(r, prefix[:]); err != nil {
		return fmt.Errorf("it is too short for a header: %w", io.ErrUnexpectedEOF)
	}
	n := binary.LittleEndian.Uint64(prefix[:])
	if n > maxHeader {
		return fmt.Errorf("its header claims %d bytes, at most %d are allowed", n, maxHeader)
	}
	if int64(n) > size-8 {
		return fmt.Errorf("its header claims %d bytes of a file of %d", n, size)
	}
	t := newTokens(r, int64(n))
	extents, err := parseHeader(t)
	if err != nil {
		return fmt.Errorf("header: %w", t.verdict(err))
	}
	return checkExtents(extents, size-8-int64(n))
}

// beginsLikeSafetensors tells a header of a possible length from a pickle: that of a
// header is zero from its fifth byte on, and an object follows.
func beginsLikeSafetensors(head []byte) bool {
	return len(head) > 8 && binary.LittleEndian.Uint64(head) <= maxHeader && head[8] == '{'
}

// extent is where a tensor's bytes are, behind the header.
type extent struct{ begin, end uint64 }

// parseHeader goes through the header: tensors by name, and strings as metadata.
func parseHeader(t *tokens) ([]extent, error) {
	if err := t.delim('{'); err != nil {
		return nil, err
	}
	var extents []extent
	seed, names := maphash.MakeSeed(), map[uint64]struct{}{} // hashes: names could take as much memory as the header
	for t.more() {
		name, err := t.text()
		if err != nil {
			return nil, err
		}
		hash := maphash.String(seed, name)
		if _, twice := names[hash]; twice {
			return nil, fmt.Errorf("the name %.80q is there twice", name)
		}
		names[hash] = struct{}{}
		if name == "__metadata__" {
			err = skipMetadata(t)
		} else {
			var e extent
			e, err = parseTensor(t)
			extents = append(extents, e)
		}
		switch {
		case err != nil:
			return nil, fmt.Errorf("%.80q: %w", name, err)
		case len(extents) > maxTensors:
			return nil, fmt.Errorf("more than %d tensors", maxTensors)
		}
	}
	return extents, errors.Join(t.delim('}'), t.end())
}

func parseTensor(t *tokens) (extent, error) {
	var dtype string
	var shape, offsets []uint64
	if err := t.delim('{'); err != nil {
		return extent{}, err
	}
	for t.more() {
		field, err := t.text()
		if err != nil {
			return extent{}, err
		}
		twice := false
		switch field {
		case "dtype":
			twice = dtype != ""
			dtype, err = t.text()
		case "shape":
			twice = shape != nil
			shape, err = t.numbers(maxDims)
		case "data_offsets":
			twice = offsets != nil
			offsets, err = t.numbers(2)
		default:
			err = t.skip()
		}
		if err != nil || twice { // which of two would the loader take?
			return extent{}, cmp.Or(err, fmt.Errorf("its field %s is there twice", field))
		}
	}
	if err := t.delim('}'); err != nil {
		return extent{}, err
	}
	return extentOf(dtype, shape, offsets)
}

// extentOf is where a tensor is, if its offsets are what its type and shape need.
func extentOf(dtype string, shape, offsets []uint64) (extent, error) {
	if shape == nil {
		return extent{}, errors.New("it has no shape")
	}
	if len(offsets) != 2 || offsets[0] > offsets[1] {
		return extent{}, fmt.Errorf("its offsets are %v", offsets)
	}
	want, err := tensorBytes(dtype, shape)
	if err != nil {
		return extent{}, err
	}
	if got := offsets[1] - offsets[0]; got != want {
		return extent{}, fmt.Errorf("%s %v needs %d bytes, its offsets give it %d", dtype, shape, want, got)
	}
	return extent{offsets[0], offsets[1]}, nil
}

// skipMetadata takes a map of strings, or null.
func skipMetadata(t *tokens) error {
	open, err := t.next()
	if err != nil || open == nil {
		return err
	}
	if open != json.Delim('{') {
		return fmt.Errorf("%.80v is no map of strings", open)
	}
	for t.more() {
		for range 2 {
			if _, err := t.text(); err != nil {
				return err
			}
		}
	}
	return t.delim('}')
}

// checkExtents makes sure that the tensors cover data bytes, each once.
func checkExtents(extents []extent, data int64) error {
	slices.SortFunc(extents, func(a, b extent) int { return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end)) })
	var at uint64
	for _, e := range extents {
		if e.begin != at {
			return fmt.Errorf("its tensors overlap or leave a hole at byte %d of the data", min(at, e.begin))
		}
		at = e.end
	}
	if at != uint64(data) {
		return fmt.Errorf("its tensors cover %d bytes, %d follow the header", at, data)
	}
	return nil
}
