// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package ranged judges what an HTTP server answers to a request for a range of an
// object: whether it is that range, all of it, and what its headers say to do.
package ranged

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/hoist-dev/hoist/cachenode"
)

// Check judges status and Content-Range (RFC 9110 §14.4) of the answer to a request for the
// bytes r of size. The kind is nil when they are in it, ErrChanged when the object has
// another size by now, else ErrUnavailable. A plain 200 will do if r is the whole object.
func Check(status int, got string, size int64, r cachenode.Range) (kind error, why string) {
	whole := r.Off == 0 && r.Len == size
	switch {
	case status == http.StatusOK && whole && got == "":
		return nil, ""
	case status != http.StatusPartialContent:
		return cachenode.ErrUnavailable, fmt.Sprintf("HTTP %d instead of 206: the server ignores ranges", status)
	}
	want := fmt.Sprintf("bytes %d-%d/%d", r.Off, r.End()-1, size)
	if got == want {
		return nil, ""
	}
	_, total, _ := strings.Cut(got, "/")
	if n, err := strconv.ParseInt(total, 10, 64); err == nil && n != size {
		return cachenode.ErrChanged, fmt.Sprintf("the object has %d bytes, had %d", n, size)
	}
	return cachenode.ErrUnavailable, fmt.Sprintf("Content-Range %s instead of %q", strconv.Quote(Clean(got, 100)), want)
}
