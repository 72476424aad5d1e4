// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package ranged

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Clean keeps hostile text printable, on one line and short.
func Clean(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "") + "…"
	}
	return strings.TrimSpace(s)
}

// maxAfter bounds how long a server can make us wait.
const maxAfter = 5 * time.Minute

// RetryAfter reads seconds or a date (RFC 9110 §10.2.3); nonsense is 0.
func RetryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(value); err == nil {
		return time.Duration(min(max(seconds, 0), int(maxAfter/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(at.Sub(now), 0), maxAfter)
	}
	return 0
}
