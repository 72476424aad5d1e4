// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// screen redraws text in place, on a terminal.
type screen struct {
	w     io.Writer
	drawn int // lines of the last text
}

// draw replaces the last text. What the terminal has no room for is cut off: a line that wraps, or a text that scrolls, could not be
// replaced.
func (s *screen) draw(text string) error {
	width, height := size(s.w)
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if len(lines) >= height {
		lines = append(lines[:max(height-2, 1)], "...")
	}
	var b strings.Builder
	if s.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", s.drawn)
	}
	b.WriteString("\r\x1b[J")
	for _, line := range lines {
		b.WriteString(cut(line, width) + "\n")
	}
	s.drawn = len(lines)
	_, err := io.WriteString(s.w, b.String())
	return err
}

// size of a terminal; a common one if it can't be told.
func size(w io.Writer) (width, height int) {
	if f, ok := w.(*os.File); ok {
		if width, height, err := term.GetSize(int(f.Fd())); err == nil && width > 0 && height > 0 {
			return width, height
		}
	}
	return 80, 24
}

func cut(line string, width int) string {
	if utf8.RuneCountInString(line) <= width {
		return line
	}
	return string([]rune(line)[:width])
}
