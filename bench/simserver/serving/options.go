// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// Options say how to serve.
type Options struct {
	Server      Kind
	Model       string // the name that requests give
	Concurrency int    // requests at a time
	Service     ServiceTime
}

// Kind is the inference server that is simulated.
type Kind string

// The servers.
const (
	VLLM   Kind = "vllm"
	TGI    Kind = "tgi"
	SGLang Kind = "sglang"
)

// ParseKind reads the name of a server.
func ParseKind(s string) (Kind, error) {
	switch k := Kind(s); k {
	case VLLM, TGI, SGLang:
		return k, nil
	}
	return "", fmt.Errorf("server %q: want %s, %s or %s", s, VLLM, TGI, SGLang)
}

// Port is where the server listens by default.
func (k Kind) Port() int {
	switch k {
	case TGI:
		return 3000
	case SGLang:
		return 30000
	case VLLM:
	}
	return 8000
}

// OpensLate reports whether the server's port opens only when the weights are loaded.
func (k Kind) OpensLate() bool { return k == VLLM }

// ServiceTime is how long a request takes, without its wait.
type ServiceTime struct {
	Mean        time.Duration
	Exponential bool
}

// ParseServiceTime reads "200ms", or "exp:200ms" for an exponential distribution of that mean.
func ParseServiceTime(s string) (ServiceTime, error) {
	text, exponential := strings.CutPrefix(s, "exp:")
	mean, err := time.ParseDuration(text)
	if err != nil || mean < 0 {
		return ServiceTime{}, fmt.Errorf("service time %q: want 200ms, or exp:200ms for an exponential distribution", s)
	}
	return ServiceTime{mean, exponential}, nil
}

func (t ServiceTime) draw() time.Duration {
	if t.Exponential {
		return time.Duration(rand.ExpFloat64() * float64(t.Mean))
	}
	return t.Mean
}
