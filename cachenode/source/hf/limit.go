// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package hf

import (
	"net/http"
	"regexp"
	"time"

	"github.com/hoist-dev/hoist/cachenode/source/ranged"
)

// reset finds the seconds until the window of a rate limit ends, in a header such as
//
//	RateLimit: "resolvers";r=0;t=143
//
// https://huggingface.co/docs/hub/rate-limits
var reset = regexp.MustCompile(`;\s*t=([0-9]{1,6})\b`)

// retryAfter is how long a refusal asks to wait, 0 if it does not say.
func retryAfter(h http.Header, now time.Time) time.Duration {
	if after := ranged.RetryAfter(h.Get("Retry-After"), now); after > 0 {
		return after
	}
	if found := reset.FindStringSubmatch(h.Get("RateLimit")); found != nil {
		return ranged.RetryAfter(found[1], now)
	}
	return 0
}
