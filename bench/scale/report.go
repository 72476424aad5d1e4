// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
)

const (
	beginMark = "<!-- scale: begin, written by make bench-scale -->\n"
	endMark   = "<!-- scale: end -->\n"
)

// report writes tables, and plots where there is a folder for them.
func report(outcomes []outcome, path, images string, stdout io.Writer) error {
	var text bytes.Buffer
	text.WriteString("\n## Summary\n\n")
	writeGoals(&text, outcomes)
	text.WriteString("## Each load\n\n")
	for i := range outcomes {
		outcomes[i].write(&text)
		if images == "" {
			continue
		}
		if err := outcomes[i].draw(images); err != nil {
			return err
		}
	}
	if path == "" {
		_, err := stdout.Write(text.Bytes())
		return err
	}
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, found := bytes.Cut(page, []byte(beginMark))
	_, after, ended := bytes.Cut(rest, []byte(endMark))
	if !found || !ended {
		return fmt.Errorf("%s has no section between the marks %q and %q", path, beginMark, endMark)
	}
	whole := bytes.Join([][]byte{before, []byte(beginMark), text.Bytes(), []byte(endMark), after}, nil)
	return os.WriteFile(path, whole, 0o644)
}
