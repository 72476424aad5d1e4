// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package hf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/source/ranged"
)

// Open implements [cachenode.Source].
func (s *Source) Open(ctx context.Context, o cachenode.Origin, f cachenode.File, r cachenode.Range) (io.ReadCloser, error) {
	at := target{"get", cachenode.Ref{Scheme: Scheme, Bucket: o.Bucket, Key: f.Source.Key, VersionID: o.Commit}.String()}
	switch {
	case r.Off < 0 || r.Len < 0 || r.Len > f.Size || r.Off > f.Size-r.Len:
		return nil, &cachenode.Error{Kind: cachenode.ErrInvalid, Op: at.op, Subject: at.uri, Err: fmt.Errorf("bytes %d+%d of %d", r.Off, r.Len, f.Size)}
	case !commitName.MatchString(o.Commit) || o.Endpoint != s.origin:
		return nil, &cachenode.Error{Kind: cachenode.ErrInvalid, Op: at.op, Subject: at.uri, Err: errors.New("the manifest is not of this hub")}
	case ctx.Err() != nil:
		return nil, fmt.Errorf("%s %s: %w", at.op, at.uri, context.Cause(ctx))
	case r.Len == 0: // no range header can say that
		return io.NopCloser(bytes.NewReader(nil)), nil
	}
	p := pull{source: s, at: at, commit: o.Commit, file: f, r: r}
	answer, err := p.content(ctx, s.base.JoinPath(o.Bucket, "resolve", o.Commit, escaped(f.Source.Key))) //nolint:bodyclose // the stream closes it
	if err != nil {
		return nil, gone(at, err)
	}
	return ranged.NewBody(ctx, answer.Body, r.Len, at.op, at.uri), nil
}

// pull is a request for a range of one file.
type pull struct {
	source *Source
	at     target
	commit string
	file   cachenode.File
	r      cachenode.Range
}

func (p pull) header() string { return fmt.Sprintf("bytes=%d-%d", p.r.Off, p.r.End()-1) }

// content is the answer that has the bytes. A place that the hub sent us to before is
// asked first; when it refuses, its signature has expired, and the hub is asked again.
func (p pull) content(ctx context.Context, u *url.URL) (*http.Response, error) {
	if known := p.source.moved.get(u); known != nil {
		answer, err := p.source.send(ctx, p.at, known, p.header())
		if err != nil {
			return nil, err
		}
		switch {
		case answer.StatusCode/100 == 2, answer.StatusCode/100 == 5, answer.StatusCode == http.StatusTooManyRequests:
			return p.judge(answer, false)
		}
		_ = answer.Body.Close() // a refusal
		p.source.moved.drop(u)
	}
	return p.follow(ctx, u)
}

// follow asks the hub, and goes where it says.
func (p pull) follow(ctx context.Context, asked *url.URL) (*http.Response, error) {
	u := asked
	for range maxRedirects {
		answer, err := p.source.send(ctx, p.at, u, p.header())
		if err != nil {
			return nil, err
		}
		atHub := sameHost(u, p.source.base)
		if err := p.sameFile(answer.Header, atHub); err != nil {
			_ = answer.Body.Close() // of another file
			return nil, err
		}
		to, err := next(u, answer)
		if err != nil {
			_ = answer.Body.Close() // a redirect
			return nil, &cachenode.Error{Kind: cachenode.ErrUnavailable, Op: p.at.op, Subject: p.at.uri, Err: err}
		}
		if to == nil {
			if !atHub && answer.StatusCode/100 == 2 {
				p.source.moved.set(asked, u)
			}
			return p.judge(answer, atHub)
		}
		_ = answer.Body.Close() // a redirect
		u = to
	}
	return nil, &cachenode.Error{Kind: cachenode.ErrUnavailable, Op: p.at.op, Subject: p.at.uri, Err: errors.New("too many redirects")}
}

// sameFile compares what the hub says about a file, on a redirect as on the file itself,
// with what is pinned. The content network's own ETags mean something else.
func (p pull) sameFile(h http.Header, atHub bool) error {
	if !atHub {
		return nil
	}
	if commit := h.Get("X-Repo-Commit"); commit != "" && commit != p.commit {
		return p.changed("commit " + strconv.Quote(ranged.Clean(commit, 64)))
	}
	if tag := h.Get("X-Linked-Etag"); tag != "" && strong(tag) != p.file.Source.ETag {
		return p.changed("the content " + strconv.Quote(ranged.Clean(tag, 100)))
	}
	if size := h.Get("X-Linked-Size"); size != "" && size != strconv.FormatInt(p.file.Size, 10) {
		return p.changed("the size " + strconv.Quote(ranged.Clean(size, 32)))
	}
	return nil
}

func (p pull) changed(has string) error {
	return &cachenode.Error{Kind: cachenode.ErrChanged, Op: p.at.op, Subject: p.at.uri,
		Err: fmt.Errorf("the hub has %s, pinned is commit %s with %s and %d bytes", has, p.commit, p.file.Source.ETag, p.file.Size)}
}

// judge takes an answer that is no redirect. Where the hub serves the file itself, its
// ETag is the file's hash.
func (p pull) judge(answer *http.Response, atHub bool) (*http.Response, error) {
	err := p.verdict(answer, atHub)
	if err != nil {
		_ = answer.Body.Close() // not what was asked for
		return nil, err
	}
	return answer, nil
}

func (p pull) verdict(answer *http.Response, atHub bool) error {
	h := answer.Header
	if answer.StatusCode/100 != 2 {
		return p.source.refusal(p.at, answer)
	}
	if tag := h.Get("ETag"); atHub && tag != "" && h.Get("X-Linked-Etag") == "" && strong(tag) != p.file.Source.ETag {
		return p.changed("the content " + strconv.Quote(ranged.Clean(tag, 100)))
	}
	kind, why := ranged.Check(answer.StatusCode, h.Get("Content-Range"), p.file.Size, p.r)
	switch coding := h.Get("Content-Encoding"); {
	case kind != nil:
	case coding != "" && coding != "identity":
		kind, why = cachenode.ErrUnavailable, "the answer is encoded: a range of that is no range of the file"
	case answer.ContentLength >= 0 && answer.ContentLength != p.r.Len:
		kind, why = cachenode.ErrUnavailable, fmt.Sprintf("%d bytes instead of %d", answer.ContentLength, p.r.Len)
	default:
		return nil
	}
	return &cachenode.Error{Kind: kind, Op: p.at.op, Subject: p.at.uri, Err: errors.New(why)}
}

// escaped is a path whose names hold what a URL can't.
func escaped(key string) string {
	names := strings.Split(key, "/")
	for i, name := range names {
		names[i] = url.PathEscape(name)
	}
	return strings.Join(names, "/")
}

// strong is an entity tag without the mark of a weak one, which proxies add.
func strong(tag string) string { return strings.TrimPrefix(tag, "W/") }

// gone turns "no such file" into ErrChanged: the commit was there when it was pinned.
func gone(at target, err error) error {
	refused, ok := errors.AsType[*cachenode.Error](err)
	if !ok || !errors.Is(err, cachenode.ErrNotFound) {
		return err
	}
	return &cachenode.Error{Kind: cachenode.ErrChanged, Op: at.op, Subject: at.uri, Err: fmt.Errorf("what was pinned is gone: %w", refused.Err)}
}
