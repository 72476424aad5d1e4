// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package hf

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/hoist-dev/hoist/cachenode"
)

// entry is one line of the Hub's listing of a tree.
type entry struct {
	Type string `json:"type"` // "file" or "directory"
	OID  string `json:"oid"`  // git's name of the content, or of the pointer to it
	Size int64  `json:"size"` // bytes of the content
	Path string `json:"path"`
	LFS  *struct {
		OID  string `json:"oid"` // SHA-256 of the content; files in Xet have it, too
		Size int64  `json:"size"`
	} `json:"lfs"`
}

var (
	gitName    = regexp.MustCompile(`^[0-9a-f]{40}$`)
	sha256Name = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// file is e with the identity that the answers about it will have.
func (e entry) file() (cachenode.File, error) {
	name, algorithm, valid := e.OID, "GIT-SHA1", gitName
	if e.LFS != nil {
		name, algorithm, valid = e.LFS.OID, "SHA256", sha256Name
	}
	if !valid.MatchString(name) || e.Size < 0 || e.LFS != nil && e.LFS.Size != e.Size {
		return cachenode.File{}, &cachenode.Error{Kind: cachenode.ErrUnavailable, Op: "list", Subject: fmt.Sprintf("%q", e.Path),
			Err: errors.New("the listing has no hash of it, or two sizes"), Hint: "is the endpoint a hub?"}
	}
	raw, err := hex.DecodeString(name)
	if err != nil {
		return cachenode.File{}, fmt.Errorf("decode %q: %w", name, err)
	}
	return cachenode.File{Size: e.Size, Source: cachenode.Identity{Key: e.Path, ETag: `"` + name + `"`,
		Checksum: cachenode.Checksum{Algorithm: algorithm, Value: base64.StdEncoding.EncodeToString(raw)}}}, nil
}

// Bounds on a listing.
const (
	maxFiles = 100_000
	maxPages = 10_000
)

// tree lists the files of a commit.
func (s *Source) tree(ctx context.Context, at target, repo, commit string) ([]entry, error) {
	u := s.base.JoinPath("api", "models", repo, "tree", commit)
	var files []entry
	seen := map[string]bool{}
	for cursor := ""; ; {
		query := url.Values{"recursive": {"true"}, "expand": {"false"}}
		if cursor != "" {
			query.Set("cursor", cursor)
		}
		u.RawQuery = query.Encode()
		var page []entry
		var following string
		err := s.persist(ctx, at, func(ctx context.Context) error {
			return s.ask(ctx, at, u, func(answer *http.Response) error {
				page, following = nil, nextCursor(answer.Header)
				return decode(answer.Body, &page)
			})
		})
		if err != nil {
			return nil, err
		}
		for _, e := range page {
			if e.Type == "file" {
				files = append(files, e)
			}
		}
		switch {
		case following == "":
			return files, nil
		case seen[following] || len(seen) >= maxPages || len(files) > maxFiles:
			return nil, &cachenode.Error{Kind: cachenode.ErrInvalid, Op: at.op, Subject: at.uri, Err: fmt.Errorf("the listing does not end within %d files and %d pages", maxFiles, maxPages)}
		}
		seen[following], cursor = true, following
	}
}

// nextCursor reads the Link header (RFC 8288): <https://host/path?cursor=C>; rel="next".
// The cursor is all that is taken from it, so that a hub can't send us elsewhere, and
// a mirror may leave the Hub's own name in it.
func nextCursor(h http.Header) string {
	for _, line := range h.Values("Link") {
		for link := range strings.SplitSeq(line, ",") {
			target, parameters, _ := strings.Cut(link, ";")
			if !strings.Contains(parameters, `rel="next"`) {
				continue
			}
			u, err := url.Parse(strings.Trim(strings.TrimSpace(target), "<>"))
			if err == nil {
				return u.Query().Get("cursor")
			}
		}
	}
	return ""
}

// segment escapes a revision into one segment of a path: refs/pr/1 is refs%2Fpr%2F1.
func segment(revision string) string { return strings.ReplaceAll(revision, "/", "%2F") }
