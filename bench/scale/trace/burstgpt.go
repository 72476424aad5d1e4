// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"io"
	"strconv"
)

// BurstGPT reads the releases of BurstGPT, with or without the columns Session ID and Elapsed time: seconds since midnight of the first
// day, tokens of request and response. Requests that failed are among them, with no response tokens.
// https://github.com/HPMLL/BurstGPT, CC-BY 4.0.
func BurstGPT(r io.Reader) Requests {
	t, err := open(r, "Timestamp", "Request tokens", "Response tokens")
	return rows(t, err, func(fields []string) (Request, error) {
		s, err := strconv.ParseFloat(fields[0], 64)
		if err != nil {
			return Request{}, err
		}
		at, err := seconds(s)
		if err != nil {
			return Request{}, err
		}
		input, err := tokens(fields[1])
		if err != nil {
			return Request{}, err
		}
		output, err := tokens(fields[2])
		return Request{At: at, Input: input, Output: output}, err
	})
}
