// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// completionRequest is what both endpoints of OpenAI's API have in common.
type completionRequest struct {
	Model     string `json:"model"`
	MaxTokens int    `json:"max_tokens"`
	Stream    bool   `json:"stream"`
}

const answer = "This is a simulated answer."

type choice struct {
	Index   int               `json:"index"`
	Text    *string           `json:"text,omitempty"`
	Message map[string]string `json:"message,omitempty"`
	Delta   map[string]string `json:"delta,omitempty"`
	Finish  *string           `json:"finish_reason"`
}

type completion struct {
	ID      string         `json:"id"`
	Object  string         `json:"object"`
	Created int64          `json:"created"`
	Model   string         `json:"model"`
	Choices []choice       `json:"choices"`
	Usage   map[string]int `json:"usage,omitempty"`
}

func (s *Server) models(w http.ResponseWriter, _ *http.Request) {
	write(w, http.StatusOK, map[string]any{"object": "list", "data": []any{map[string]any{"id": s.Model, "object": "model", "owned_by": "simserver (simulated)"}}})
}

func (s *Server) completions(w http.ResponseWriter, r *http.Request) {
	s.complete(w, r, "text_completion", func(text string) choice { return choice{Text: &text} }, func(text string) choice { return choice{Text: &text} })
}

func (s *Server) chat(w http.ResponseWriter, r *http.Request) {
	s.complete(w, r, "chat.completion",
		func(text string) choice {
			return choice{Message: map[string]string{"role": "assistant", "content": text}}
		},
		func(text string) choice { return choice{Delta: map[string]string{"content": text}} })
}

func (s *Server) complete(w http.ResponseWriter, r *http.Request, object string, whole, part func(string) choice) {
	var request completionRequest
	if err := read(w, r, &request); err != nil {
		fail(w, http.StatusBadRequest, "invalid_request_error", err.Error())
		return
	}
	if request.Model != "" && request.Model != s.Model {
		fail(w, http.StatusNotFound, "NotFoundError", fmt.Sprintf("the model %.80q does not exist; this server has %q", request.Model, s.Model))
		return
	}
	reply := completion{ID: "simulated-" + r.Header.Get("X-Request-Id"), Object: object, Created: time.Now().Unix(), Model: s.Model}
	events := stream{w: w, reply: reply, part: part}
	first := func() error { return nil }
	if request.Stream {
		events.reply.Object += ".chunk"
		first = events.begin
	}
	took, err := s.serve(r.Context(), request.MaxTokens, first)
	switch {
	case err != nil && !events.begun:
		fail(w, status(err), "service_unavailable_error", err.Error())
	case err != nil: // the stream ends early: its client has gone
	case request.Stream:
		_ = events.end()
	default:
		stop, c := "stop", whole(answer)
		c.Finish = &stop
		reply.Choices, reply.Usage = []choice{c}, map[string]int{"completion_tokens": took.tokens, "total_tokens": took.tokens}
		write(w, http.StatusOK, reply)
	}
}

func fail(w http.ResponseWriter, code int, kind, message string) {
	write(w, code, map[string]any{"error": map[string]any{"message": message, "type": kind, "code": code}})
}

// stream sends server-sent events: the first word when the service begins, the rest when it is over.
type stream struct {
	w     http.ResponseWriter
	reply completion
	part  func(string) choice
	begun bool
}

func (s *stream) begin() error {
	s.begun = true
	s.w.Header().Set("Content-Type", "text/event-stream")
	return s.send(strings.Fields(answer)[0], nil)
}

func (s *stream) end() error {
	for _, word := range strings.Fields(answer)[1:] {
		if err := s.send(" "+word, nil); err != nil {
			return err
		}
	}
	stop := "stop"
	if err := s.send("", &stop); err != nil {
		return err
	}
	_, err := s.w.Write([]byte("data: [DONE]\n\n"))
	return err
}

func (s *stream) send(text string, finish *string) error {
	c := s.part(text)
	c.Finish = finish
	s.reply.Choices = []choice{c}
	raw, err := json.Marshal(s.reply)
	if err != nil {
		return err
	}
	if _, err := s.w.Write(fmt.Appendf(nil, "data: %s\n\n", raw)); err != nil {
		return err
	}
	return http.NewResponseController(s.w).Flush()
}
