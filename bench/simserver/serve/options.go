// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"
)

// Options say what to simulate.
type Options struct {
	Dialect     Dialect     // whose endpoints and metrics; VLLM if empty
	Model       string      // the name under which the model is served
	Concurrency int         // requests served at once, at least one
	Service     ServiceTime // how long one takes, without its wait
	Seed        uint64      // servers with the same seed draw the same times
	MaxQueue    int         // requests that may wait; 0 is without limit
}

// Dialect is the server that is simulated.
type Dialect string

// The servers.
const (
	VLLM   Dialect = "vllm"
	TGI    Dialect = "tgi"
	SGLang Dialect = "sglang"
	Ollama Dialect = "ollama" // loads when it is asked first
)

// ParseDialect reads the name of a server.
func ParseDialect(name string) (Dialect, error) {
	switch d := Dialect(name); d {
	case VLLM, TGI, SGLang, Ollama:
		return d, nil
	}
	return "", fmt.Errorf("unknown server %q: use %s, %s, %s or %s", name, VLLM, TGI, SGLang, Ollama)
}

// ServiceTime is how long a request takes once it runs.
type ServiceTime struct {
	Mean        time.Duration
	Exponential bool // else every request takes the mean
}

// ParseServiceTime reads a fixed time such as 200ms, or exp:200ms for exponentially distributed times of that mean.
func ParseServiceTime(text string) (ServiceTime, error) {
	duration, exponential := strings.CutPrefix(text, "exp:")
	mean, err := time.ParseDuration(duration)
	if err != nil || mean < 0 {
		return ServiceTime{}, fmt.Errorf("service time %q: write 200ms, or exp:200ms for exponentially distributed times", text)
	}
	return ServiceTime{mean, exponential}, nil
}

// times draws service times.
type times struct {
	ServiceTime
	mu     sync.Mutex
	random *rand.Rand
}

func newTimes(t ServiceTime, seed uint64) *times {
	return &times{ServiceTime: t, random: rand.New(rand.NewPCG(seed, seed))}
}

func (t *times) draw() time.Duration {
	if !t.Exponential {
		return t.Mean
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return time.Duration(t.random.ExpFloat64() * float64(t.Mean))
}
