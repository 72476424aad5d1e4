// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Mooncake reads the FAST'25 traces of Mooncake: an object a line, its timestamp in milliseconds since the begin. The hashes of
// its blocks are not used. https://github.com/kvcache-ai/Mooncake, Apache-2.0.
func Mooncake(r io.Reader) Requests {
	return func(yield func(Request, error) bool) {
		decoder := json.NewDecoder(r)
		for n := 1; ; n++ {
			request, err := mooncakeRequest(decoder)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				err = fmt.Errorf("request %d: %w", n, err)
			}
			if !yield(request, err) || err != nil {
				return
			}
		}
	}
}

func mooncakeRequest(decoder *json.Decoder) (Request, error) {
	var line struct {
		Timestamp *float64 `json:"timestamp"`
		Input     int      `json:"input_length"`
		Output    int      `json:"output_length"`
	}
	if err := decoder.Decode(&line); err != nil {
		return Request{}, err
	}
	if line.Timestamp == nil {
		return Request{}, errors.New("no timestamp")
	}
	at, err := seconds(*line.Timestamp / 1000)
	if err != nil {
		return Request{}, err
	}
	if line.Input < 0 || line.Input > maxTokens || line.Output < 0 || line.Output > maxTokens {
		return Request{}, fmt.Errorf("%d and %d tokens", line.Input, line.Output)
	}
	return Request{At: at, Input: line.Input, Output: line.Output}, nil
}
