// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package trace reads arrival traces that others have published, and makes up synthetic ones, which say so in their names.
//
// Readers stream: a trace may be longer than the memory. What is malformed is an error with its line; nothing is skipped in silence.
package trace

import (
	"bufio"
	"fmt"
	"io"
	"iter"
	"math"
	"strings"
	"time"
)

// Request is one line of a trace.
type Request struct {
	At     time.Duration // since midnight, the trace's begin or the epoch, as the format has it
	Input  int           // tokens of the prompt
	Output int           // tokens generated
}

// Requests yields a trace's requests in the order of its file. After an error there are no more.
type Requests = iter.Seq2[Request, error]

// maxTokens of one request; more is a broken line.
const maxTokens = 1 << 30

// Read tells the format from the first line: a header of Azure or BurstGPT, or a JSON object of Mooncake.
func Read(r io.Reader) (Requests, error) {
	buffered := bufio.NewReaderSize(r, 64<<10)
	head, err := buffered.Peek(512)
	if len(head) == 0 {
		return nil, fmt.Errorf("an empty trace: %w", err)
	}
	first, _, _ := strings.Cut(string(head), "\n")
	switch {
	case strings.HasPrefix(strings.TrimSpace(first), "{"):
		return Mooncake(buffered), nil
	case strings.Contains(first, "ContextTokens"):
		return Azure(buffered), nil
	case strings.Contains(first, "Request tokens"):
		return BurstGPT(buffered), nil
	}
	return nil, fmt.Errorf("a trace that begins with %.60q: not Azure's, BurstGPT's or Mooncake's format", first)
}

// seconds turns a number of seconds into a time since the trace's begin.
func seconds(s float64) (time.Duration, error) {
	if !(s >= 0 && s < math.MaxInt64/float64(time.Second)) {
		return 0, fmt.Errorf("%v seconds is no time", s)
	}
	return time.Duration(s * float64(time.Second)), nil
}
