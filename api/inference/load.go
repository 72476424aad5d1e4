// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package inference

import (
	"encoding/json"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

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

// KeepsVRAM is why the VRAM that a container's server uses does not fall while it runs, as the end of a sentence; "" where it does. asked says that it is sent
// a LoadRequest, after which it keeps the model.
func (s *Server) KeepsVRAM(c *corev1.Container, asked bool) string {
	switch value := environment(c, s.forever); {
	case s.Keeps != "":
		return s.Keeps
	case s.forever != "" && strings.HasPrefix(value, "-"):
		return fmt.Sprintf("%s=%s has it keep its models", s.forever, value)
	case asked && s.Lazy:
		return "the model that it is asked to load it keeps"
	}
	return ""
}
