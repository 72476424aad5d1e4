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
	"math/bits"
	"slices"
	"strconv"
)

// Limits of a safetensors header. The first is the format's own
// (https://github.com/huggingface/safetensors#format).
const (
	maxHeader  = 100_000_000 // bytes
	maxTensors = 1 << 18
	maxDims    = 64
	maxToken   = 4 << 20 // bytes that may be read ahead of what was understood
)

// checkSafetensors reads the header of a safetensors file of size bytes and makes
// sure that its tensors cover the rest exactly: in range, without overlap or hole,
// each as long as its type and shape say. A header that r ends in the middle of is
// io.ErrUnexpectedEOF.
func checkSafetensors(r io.Reader, size int64) error {
	var prefix [8]byte
	if _, err := io.ReadFull(r, prefix[:]); err != nil {
		return fmt.Errorf("read the length of the header: %w", unexpected(err))
	}
	n := binary.LittleEndian.Uint64(prefix[:])
	if n > maxHeader {
		return fmt.Errorf("its header claims %d bytes, at most %d are allowed", n, maxHeader)
	}
	if int64(n) > size-8 {
		return fmt.Errorf("its header claims %d bytes of a file of %d", n, size)
	}
	header := &capped{r: io.LimitReader(r, int64(n))}
	dec := json.NewDecoder(header)
	header.understood = dec.InputOffset
	extents, err := parseHeader(dec)
	if err != nil {
		if header.got < int64(n) && header.ended {
			return fmt.Errorf("read the header: %w", io.ErrUnexpectedEOF)
		}
		return err
	}
	return checkExtents(extents, size-8-int64(n))
}

// capped notices that its reader ended, and keeps a parser from buffering a token
// without end.
type capped struct {
	r          io.Reader
	got        int64
	ended      bool
	understood func() int64
}

func (c *capped) Read(p []byte) (int, error) {
	if c.got-c.understood() > maxToken {
		return 0, errors.New("its header has a name or value of unreasonable length")
	}
	n, err := c.r.Read(p)
	c.got += int64(n)
	c.ended = c.ended || errors.Is(err, io.EOF)
	return n, err //nolint:wrapcheck // io.EOF must pass as it is
}

// extent is where a tensor's bytes are, behind the header.
type extent struct{ begin, end uint64 }

// parseHeader goes through the header token by token, so that its size never
// becomes memory.
func parseHeader(dec *json.Decoder) ([]extent, error) {
	dec.UseNumber()
	if err := expect(dec, json.Delim('{')); err != nil {
		return nil, err
	}
	var extents []extent
	seed, names := maphash.MakeSeed(), map[uint64]struct{}{} // hashes: names could take as much memory as the header
	for dec.More() {
		name, err := token[string](dec)
		if err != nil {
			return nil, err
		}
		hash := maphash.String(seed, name)
		if _, twice := names[hash]; twice {
			return nil, fmt.Errorf("its header names the tensor %.80q twice", name)
		}
		names[hash] = struct{}{}
		if name == "__metadata__" {
			if err := skipMetadata(dec); err != nil {
				return nil, err
			}
			continue
		}
		e, err := parseTensor(dec)
		if err != nil {
			return nil, fmt.Errorf("tensor %.80q: %w", name, err)
		}
		if extents = append(extents, e); len(extents) > maxTensors {
			return nil, fmt.Errorf("its header has more than %d tensors", maxTensors)
		}
	}
	return extents, expect(dec, json.Delim('}'))
}

func parseTensor(dec *json.Decoder) (extent, error) {
	var dtype string
	var shape, offsets []uint64
	if err := expect(dec, json.Delim('{')); err != nil {
		return extent{}, err
	}
	for dec.More() {
		field, err := token[string](dec)
		if err != nil {
			return extent{}, err
		}
		switch field {
		case "dtype":
			dtype, err = token[string](dec)
		case "shape":
			shape, err = numbers(dec, maxDims)
		case "data_offsets":
			offsets, err = numbers(dec, 2)
		default:
			err = fmt.Errorf("unknown field %.80q", field)
		}
		if err != nil {
			return extent{}, err
		}
	}
	if err := expect(dec, json.Delim('}')); err != nil {
		return extent{}, err
	}
	return extentOf(dtype, shape, offsets)
}

// extentOf is where a tensor is, if its offsets are what its type and shape need.
func extentOf(dtype string, shape, offsets []uint64) (extent, error) {
	if len(offsets) != 2 || offsets[0] > offsets[1] {
		return extent{}, fmt.Errorf("offsets %v", offsets)
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

// tensorBytes is the size of a tensor. Types of less than a byte are packed.
func tensorBytes(dtype string, shape []uint64) (uint64, error) {
	width, ok := dtypeBits(dtype)
	if !ok {
		return 0, fmt.Errorf("unknown type %.40q", dtype)
	}
	total := width
	for _, n := range shape {
		high, low := bits.Mul64(total, n)
		if high != 0 {
			return 0, fmt.Errorf("shape %v overflows", shape)
		}
		total = low
	}
	if total%8 != 0 {
		return 0, fmt.Errorf("%s %v is no whole number of bytes", dtype, shape)
	}
	return total / 8, nil
}

func dtypeBits(dtype string) (uint64, bool) {
	switch dtype {
	case "F4":
		return 4, true
	case "F6_E2M3", "F6_E3M2":
		return 6, true
	case "BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ":
		return 8, true
	case "I16", "U16", "F16", "BF16":
		return 16, true
	case "I32", "U32", "F32":
		return 32, true
	case "I64", "U64", "F64", "C64":
		return 64, true
	case "C128":
		return 128, true
	}
	return 0, false
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

// skipMetadata takes a map of strings.
func skipMetadata(dec *json.Decoder) error {
	if err := expect(dec, json.Delim('{')); err != nil {
		return err
	}
	for dec.More() {
		for range 2 {
			if _, err := token[string](dec); err != nil {
				return fmt.Errorf("__metadata__: %w", err)
			}
		}
	}
	return expect(dec, json.Delim('}'))
}

// numbers takes an array of at most most non-negative integers.
func numbers(dec *json.Decoder, most int) ([]uint64, error) {
	if err := expect(dec, json.Delim('[')); err != nil {
		return nil, err
	}
	var out []uint64
	for dec.More() {
		text, err := token[json.Number](dec)
		if err != nil {
			return nil, err
		}
		n, err := strconv.ParseUint(text.String(), 10, 63)
		if err != nil || len(out) == most {
			return nil, fmt.Errorf("number %.40q is out of place", text)
		}
		out = append(out, n)
	}
	return out, expect(dec, json.Delim(']'))
}

func expect(dec *json.Decoder, want json.Delim) error {
	got, err := token[json.Delim](dec)
	if err == nil && got != want {
		err = fmt.Errorf("its header has %q where %q belongs", got, want)
	}
	return err
}

// token takes the next token, which must be a T.
func token[T any](dec *json.Decoder) (T, error) {
	raw, err := dec.Token()
	if err != nil {
		var zero T
		return zero, fmt.Errorf("its header is no JSON object of tensors: %w", unexpected(err))
	}
	got, ok := raw.(T)
	if !ok {
		return got, fmt.Errorf("its header has %v where a %T belongs", raw, got)
	}
	return got, nil
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
