// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"
	"io"
	"strings"
	"unicode"
)

// Write says for people what is wrong with so many ScaledObjects, why it bites, and what to write instead.
func Write(w io.Writer, objects int, found []Finding) error {
	var text strings.Builder
	for i := range found {
		f := &found[i]
		fmt.Fprintf(&text, "%s  %s: %s [%s]\n", strings.ToUpper(string(f.Severity)), clean(f.Object), clean(f.What), f.Check)
		fmt.Fprintf(&text, "  why: %s\n", clean(f.Why))
		if f.Fix != "" {
			text.WriteString("  write:\n")
			for line := range strings.Lines(f.Fix) {
				text.WriteString("      " + clean(strings.TrimRight(line, "\n")) + "\n")
			}
		}
		text.WriteString("\n")
	}
	fmt.Fprintf(&text, "%d ScaledObject(s) looked at, %d finding(s)\n", objects, len(found))
	_, err := io.WriteString(w, text.String())
	return err
}

// clean is a text on one line, without anything that a terminal would obey.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}
