// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package forecast

import "math"

// half is the upper half of a float32, rounded: a number to a 256th of itself, finer than a minute's counts are, in half of the memory.
type half uint16

// missing is no number.
const missing half = 0x7fc0

// halfOf is of a number that is not missing.
func halfOf(v float64) half { return half((math.Float32bits(float32(v)) + 1<<15) >> 16) }

func (h half) float() float32 { return math.Float32frombits(uint32(h) << 16) }
