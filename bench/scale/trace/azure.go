// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"fmt"
	"io"
	"time"
)

// azureLayouts are those of the traces of 2023, and of 2024, which adds an offset.
var azureLayouts = []string{"2006-01-02 15:04:05.9999999", "2006-01-02 15:04:05.999999999Z07:00"}

// Azure reads the Azure LLM inference traces of 2023 and 2024: CSV with TIMESTAMP, ContextTokens and GeneratedTokens.
// https://github.com/Azure/AzurePublicDataset, CC-BY 4.0.
func Azure(r io.Reader) Requests {
	t, err := open(r, "TIMESTAMP", "ContextTokens", "GeneratedTokens")
	var begin time.Time
	return rows(t, err, func(fields []string) (Request, error) {
		at, err := azureTime(fields[0])
		if err != nil {
			return Request{}, err
		}
		if begin.IsZero() {
			begin = at.Truncate(24 * time.Hour) // so that hours of the day stay what they are
		}
		input, err := tokens(fields[1])
		if err != nil {
			return Request{}, err
		}
		output, err := tokens(fields[2])
		if at.Before(begin) {
			return Request{}, fmt.Errorf("%s is before the first day", fields[0])
		}
		return Request{At: at.Sub(begin), Input: input, Output: output}, err
	})
}

func azureTime(field string) (time.Time, error) {
	var last error
	for _, layout := range azureLayouts {
		at, err := time.Parse(layout, field)
		if err == nil {
			return at.UTC(), nil
		}
		last = err
	}
	return time.Time{}, last
}
