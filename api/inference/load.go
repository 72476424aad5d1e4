// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package inference

import "encoding/json"

// LoadRequest is what to POST to a server that loads a model when it is asked to, so that it has it before the first user asks: a path, and
// a body in JSON. ok is false for servers that load on their own.
//
// Ollama: a generate request without a prompt loads, and keep_alive -1 keeps (https://docs.ollama.com/api, "Load a model").
func LoadRequest(kind Kind, model string) (path string, body []byte, ok bool) {
	if kind != Ollama {
		return "", nil, false
	}
	body, err := json.Marshal(map[string]any{"model": model, "keep_alive": -1})
	return "/api/generate", body, err == nil
}
