// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package palette has the colors of all plots.
package palette

import "image/color"

// colors are Okabe and Ito's, which people with any color vision tell apart.
var colors = []color.Color{
	color.RGBA{0x00, 0x72, 0xb2, 0xff}, color.RGBA{0xd5, 0x5e, 0x00, 0xff}, color.RGBA{0x00, 0x9e, 0x73, 0xff},
	color.RGBA{0xcc, 0x79, 0xa7, 0xff}, color.RGBA{0xe6, 0x9f, 0x00, 0xff}, color.RGBA{0x56, 0xb4, 0xe9, 0xff},
}

// Color is the color of the i-th thing of a plot.
func Color(i int) color.Color { return colors[i%len(colors)] }
