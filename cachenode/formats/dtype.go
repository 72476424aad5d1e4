// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package formats

import (
	"fmt"
	"math/bits"
)

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

// dtypeBits is the width of an element
// (https://github.com/huggingface/safetensors, enum Dtype).
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
