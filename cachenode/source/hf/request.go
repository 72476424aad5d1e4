// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package hf

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/hoist-dev/hoist/cachenode"
)

// target is what a request is about, for its error.
type target struct {
	op  string // "list", "get"
	uri string // hf://owner/repo@commit/path
}

// maxRedirects bounds a chain of them. The Hub needs two: a renamed repository, and the
// content network.
const maxRedirects = 5

// send makes one request and returns its answer, whatever it is. The token goes to the
// hub and to nobody else.
func (s *Source) send(ctx context.Context, at target, u *url.URL, byteRange string) (*http.Response, error) {
	request := (&http.Request{Method: http.MethodGet, URL: u, Host: u.Host, Header: http.Header{"User-Agent": {"hoist"}}}).WithContext(ctx)
	if byteRange != "" {
		request.Header.Set("Range", byteRange)
	}
	if s.token != "" && sameHost(u, s.base) {
		request.Header.Set("Authorization", "Bearer "+s.token)
	}
	response, err := s.client.RoundTrip(request)
	if err != nil {
		return nil, s.unanswered(ctx, at, err)
	}
	return response, nil
}

// sameHost reports whether what was meant for one may be told the other.
func sameHost(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Host, b.Host)
}

// next is where a redirect leads, nil if the answer is none. What was encrypted stays so.
func next(from *url.URL, answer *http.Response) (*url.URL, error) {
	switch answer.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return nil, nil //nolint:nilnil // no redirect, no error
	}
	to, err := from.Parse(answer.Header.Get("Location"))
	switch {
	case err != nil || to.Host == "" || to.Scheme != "http" && to.Scheme != "https":
		return nil, errors.New("the redirect leads nowhere")
	case from.Scheme == "https" && to.Scheme != "https":
		return nil, errors.New("the redirect leads from https to " + to.Scheme)
	case to.User != nil:
		return nil, errors.New("the redirect has credentials")
	}
	to.Fragment = ""
	return to, nil
}

// ask makes a request of the hub's API, follows a renamed repository, and hands the
// answer to read once its status is 200.
func (s *Source) ask(ctx context.Context, at target, u *url.URL, read func(*http.Response) error) error {
	for range maxRedirects {
		answer, err := s.send(ctx, at, u, "")
		if err != nil {
			return err
		}
		to, err := next(u, answer)
		if err == nil && to != nil && !sameHost(to, s.base) {
			err = fmt.Errorf("the hub sends its API's clients to %s", to.Host)
		}
		switch {
		case err != nil:
			err = &cachenode.Error{Kind: cachenode.ErrInvalid, Op: at.op, Subject: at.uri, Err: err, Hint: "name the right hub with HF_ENDPOINT"}
		case to != nil:
		case answer.StatusCode != http.StatusOK:
			err = s.refusal(at, answer)
		default:
			err = s.answered(ctx, at, read(answer))
		}
		_ = answer.Body.Close() // read, or of no interest
		if to == nil || err != nil {
			return err
		}
		u = to
	}
	return &cachenode.Error{Kind: cachenode.ErrUnavailable, Op: at.op, Subject: at.uri, Err: errors.New("too many redirects")}
}

// answered judges what reading the body of an answer came to.
func (s *Source) answered(ctx context.Context, at target, err error) error {
	if err == nil {
		return nil
	}
	if _, known := errors.AsType[*cachenode.Error](err); known {
		return err
	}
	return s.unanswered(ctx, at, err)
}
