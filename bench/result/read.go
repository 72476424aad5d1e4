// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package result

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Schema is the JSON Schema (draft 2020-12) of a Result.
//
//go:embed schema.json
var Schema []byte

// Read reads a Result that Write has written.
func Read(r io.Reader) (Result, error) {
	var read Result
	decoder := json.NewDecoder(r)
	if err := decoder.Decode(&read); err != nil {
		return read, fmt.Errorf("read the result of a benchmark: %w", err)
	}
	if read.Version != Version {
		return read, fmt.Errorf("read the result of a benchmark: its form is version %d, and %d is known: use the hoist that wrote it", read.Version, Version)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return read, errors.New("read the result of a benchmark: something follows it: keep each result in a file of its own")
	}
	return read, nil
}

// Write writes a Result as JSON.
func Write(w io.Writer, r Result) error {
	if r.Scenarios == nil {
		r.Scenarios = []Scenario{} // the schema knows no null
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}
