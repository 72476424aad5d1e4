// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// models answers while the weights load, too: SGLang does, and vLLM's port is closed then.
func (s *Server) models(w http.ResponseWriter, _ *http.Request) {
	model := object{"id": s.options.Model, "object": "model", "owned_by": "simserver (simulated)"}
	write(w, http.StatusOK, object{"object": "list", "data": []object{model}})
}

// openAI is the part of a request that matters here. A prompt may be a text or lists of texts or tokens: its size alone counts.
type openAI struct {
	Model               string          `json:"model"`
	Prompt              json.RawMessage `json:"prompt"`
	Messages            json.RawMessage `json:"messages"`
	MaxTokens           int             `json:"max_tokens"`
	MaxCompletionTokens int             `json:"max_completion_tokens"` // its newer name in chats
	Stream              bool            `json:"stream"`
}

func (s *Server) completions(w http.ResponseWriter, r *http.Request) {
	s.complete(w, r, func(a openAI) json.RawMessage { return a.Prompt }, reply{
		kind: "text_completion", chunk: "text_completion",
		choice: func(text, _ string) object { return object{"text": text} },
	})
}

func (s *Server) chat(w http.ResponseWriter, r *http.Request) {
	s.complete(w, r, func(a openAI) json.RawMessage { return a.Messages }, reply{
		kind: "chat.completion", chunk: "chat.completion.chunk",
		choice: func(text, key string) object { return object{key: object{"role": "assistant", "content": text}} },
	})
}

func (s *Server) complete(w http.ResponseWriter, r *http.Request, input func(openAI) json.RawMessage, answer reply) {
	var asked openAI
	if status, err := read(w, r, &asked); err != nil {
		failOpenAI(w, status, "BadRequestError", err)
		return
	}
	if cmp.Or(asked.Model, s.options.Model) != s.options.Model {
		failOpenAI(w, http.StatusNotFound, "NotFoundError", fmt.Errorf("the model %.80q does not exist: ask for %q", asked.Model, s.options.Model))
		return
	}
	work, err := newWork(len(input(asked)), cmp.Or(asked.MaxTokens, asked.MaxCompletionTokens))
	if err != nil {
		failOpenAI(w, http.StatusBadRequest, "BadRequestError", err)
		return
	}
	answer.w, answer.work = w, work
	answer.body = object{"id": "simulated", "object": answer.kind, "created": time.Now().Unix(), "model": s.options.Model}
	begin, end := answer.wait, answer.send
	if asked.Stream {
		begin, end = answer.begin, answer.end
	}
	switch err := s.serve(r.Context(), work, begin); {
	case err == nil:
		end()
	case !answer.begun:
		failOpenAI(w, http.StatusServiceUnavailable, "ServiceUnavailableError", err)
	}
}

func failOpenAI(w http.ResponseWriter, status int, kind string, err error) {
	write(w, status, object{"error": object{"message": err.Error(), "type": kind, "param": nil, "code": status}})
}
