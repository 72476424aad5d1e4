// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package s3

import (
	"net/http"
	"strings"
	"testing"

	"github.com/hoist-dev/hoist/cachenode"
)

// A bucket in another region tells so, in one of three ways; it is asked once.
func TestCall_LearnsTheRegionOfABucket(t *testing.T) {
	for name, row := range map[string]struct {
		status   int
		code     string
		inHeader bool
		heads    int
	}{
		"moved, with a header":     {301, "PermanentRedirect", true, 0},
		"temporary, with a header": {307, "TemporaryRedirect", true, 0},
		"signature, with a header": {400, "AuthorizationHeaderMalformed", true, 0},
		"signature, without one":   {400, "AuthorizationHeaderMalformed", false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("AWS_ACCESS_KEY_ID", "AKID")
			t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
			stub := newStub(t, objects("m/a", "m/b"))
			stub.hook = func(w http.ResponseWriter, r *http.Request) bool {
				bare := r.Method == http.MethodHead && strings.Trim(r.URL.Path, "/") == "b"
				if row.inHeader || bare {
					w.Header().Set("X-Amz-Bucket-Region", "eu-west-3")
				}
				if !bare && strings.Contains(r.Header.Get("Authorization"), "/eu-west-3/") {
					return false
				}
				refuse(w, row.status, row.code, "")
				return true
			}
			src := stub.source(func(c *Config) { c.Anonymous = false })
			for range 2 {
				if m, err := src.Resolve(t.Context(), ref(t, "s3://b/m"), cachenode.Selection{}); err != nil || len(m.Files) != 2 {
					t.Fatalf("%q, %v", paths(m), err)
				}
			}
			if lists := stub.count("GET"); lists != 3 {
				t.Errorf("%d listings, want 1 refused and 2 more", lists)
			}
			if heads := stub.count("HEAD /b?") + stub.count("HEAD /b "); stub.count("HEAD") != 4+row.heads {
				t.Errorf("%d HEADs of the bucket, requests %v", heads, stub.seen)
			}
		})
	}
}

// J4: a region is part of a host name, so a server must not make one up.
func TestCall_RefusesRegionsThatAreNone(t *testing.T) {
	t.Parallel()
	for _, region := range []string{"evil.example.com/", "x@y", "", "UPPER-1", strings.Repeat("a-", 100)} {
		stub := newStub(t, nil)
		stub.hook = func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("X-Amz-Bucket-Region", region)
			refuse(w, 301, "PermanentRedirect", "")
			return true
		}
		src := stub.source()
		_, err := src.Resolve(t.Context(), ref(t, "s3://b/m/"), cachenode.Selection{})
		if cachenode.KindOf(err) != cachenode.ErrInvalid || src.region("b") != "" {
			t.Errorf("%q: %v, learnt %q", region, err, src.region("b"))
		}
	}
}
