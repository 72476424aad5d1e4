// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// reply is an answer of OpenAI's API, sent at once or as a stream of server-sent events: the first token, the rest, the end.
type reply struct {
	kind, chunk string                        // names of the object and of its parts
	choice      func(text, key string) object // key is message in a whole and delta in a part
	w           http.ResponseWriter
	work        work
	body        object
	begun       bool
}

func (*reply) wait() error { return nil }

func (r *reply) send() {
	first, rest := r.work.text()
	r.finish(r.choice(first+rest, "message"))
	write(r.w, http.StatusOK, r.body)
}

func (r *reply) begin() error {
	r.begun = true
	r.w.Header().Set("Content-Type", "text/event-stream")
	first, _ := r.work.text()
	r.body["object"] = r.chunk
	r.put(r.choice(first, "delta"), nil)
	return r.event()
}

func (r *reply) end() {
	_, rest := r.work.text()
	r.finish(r.choice(rest, "delta"))
	if r.event() == nil {
		_, _ = r.w.Write([]byte("data: [DONE]\n\n")) // fails when the client is gone: nobody is left to tell
	}
}

func (r *reply) finish(choice object) {
	r.put(choice, "stop")
	r.body["usage"] = object{
		"prompt_tokens": r.work.prompt, "completion_tokens": r.work.tokens, "total_tokens": r.work.prompt + r.work.tokens,
	}
}

func (r *reply) put(choice object, finish any) {
	choice["index"], choice["finish_reason"] = 0, finish
	r.body["choices"] = []object{choice}
}

func (r *reply) event() error {
	data, err := json.Marshal(r.body)
	if err != nil {
		return fmt.Errorf("encode a chunk: %w", err)
	}
	if _, err := r.w.Write(fmt.Appendf(nil, "data: %s\n\n", data)); err != nil {
		return fmt.Errorf("send a chunk: %w", err)
	}
	return http.NewResponseController(r.w).Flush()
}
