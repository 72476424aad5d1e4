// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package hf

import (
	"net/url"
	"sync"
	"time"
)

const (
	keepLocation = 20 * time.Minute // redirects to the content network are signed for an hour
	maxLocations = 10_000
)

// locations remembers where the hub has sent us for a file. Such a URL is a credential:
// it is never shown.
type locations struct {
	mu    sync.Mutex
	known map[string]location // by the URL that was asked
}

type location struct {
	to    *url.URL
	until time.Time
}

func (l *locations) get(from *url.URL) *url.URL {
	l.mu.Lock()
	defer l.mu.Unlock()
	if found, ok := l.known[from.String()]; ok && time.Now().Before(found.until) {
		return found.to
	}
	return nil
}

func (l *locations) set(from, to *url.URL) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known == nil || len(l.known) >= maxLocations {
		l.known = map[string]location{}
	}
	l.known[from.String()] = location{to, time.Now().Add(keepLocation)}
}

func (l *locations) drop(from *url.URL) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.known, from.String())
}
