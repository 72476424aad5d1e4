// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/dustin/go-humanize"
)

// Bytes is a number of bytes, written in a file or on a command line as
// "256MiB", "500GB" or a plain number.
type Bytes int64

// Set parses s. It makes *Bytes a pflag.Value, with String and Type.
func (b *Bytes) Set(s string) error {
	n, err := humanize.ParseBytes(s)
	if err != nil || n > 1<<62 {
		return fmt.Errorf("%q is not a size such as 256MiB or 2GB", s)
	}
	*b = Bytes(n)
	return nil
}

// String is the size in binary units.
func (b *Bytes) String() string {
	if *b == 0 {
		return "0"
	}
	return humanize.IBytes(uint64(max(*b, 0)))
}

// Type names the value in --help.
func (b *Bytes) Type() string { return "size" }

// UnmarshalJSON accepts a number or a string.
func (b *Bytes) UnmarshalJSON(raw []byte) error {
	var n int64
	if err := json.Unmarshal(raw, &n); err == nil && n >= 0 {
		*b = Bytes(n)
		return nil
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return fmt.Errorf("%s is not a size such as 256MiB", raw)
	}
	return b.Set(s)
}

// Duration is a time.Duration, written as "10m" or "36h".
type Duration time.Duration

// UnmarshalJSON accepts what time.ParseDuration does.
func (d *Duration) UnmarshalJSON(raw []byte) error {
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return fmt.Errorf(`%s is not a duration such as "10m"`, raw)
	}
	parsed, err := time.ParseDuration(s)
	if err != nil || parsed < 0 {
		return fmt.Errorf(`%q is not a duration such as "10m"`, s)
	}
	*d = Duration(parsed)
	return nil
}
