// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package hf

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/source/ranged"
)

// verdict is what a failure means to the rest of Hoist.
type verdict struct {
	kind error
	hint string // what to do, on one line
}

const (
	hintRepo  = "check the name of the repository; a private one needs HF_TOKEN"
	hintGated = "accept its terms on the Hub with the account of HF_TOKEN, and give the token access to gated repositories"
	hintToken = "check HF_TOKEN" //nolint:gosec // the name of a variable
)

// byCode judges the Hub's X-Error-Code. Without a token a private repository is answered
// with 401 and the code of a missing one.
var byCode = map[string]verdict{
	"RepoNotFound":     {cachenode.ErrNotFound, hintRepo},
	"RevisionNotFound": {cachenode.ErrNotFound, "check the branch, tag or commit behind the @"},
	"EntryNotFound":    {cachenode.ErrNotFound, "check the path in the repository"},
	"GatedRepo":        {cachenode.ErrDenied, hintGated},
	"DisabledRepo":     {cachenode.ErrDenied, "the Hub has disabled the repository"},
}

func byStatus(status int) verdict {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return verdict{cachenode.ErrDenied, hintToken}
	case http.StatusNotFound, http.StatusGone:
		return verdict{cachenode.ErrNotFound, hintRepo}
	case http.StatusRequestedRangeNotSatisfiable, http.StatusPreconditionFailed:
		return verdict{cachenode.ErrChanged, ""}
	case http.StatusTooManyRequests:
		return verdict{cachenode.ErrThrottled, "the hub limits requests: a token raises the limit"}
	case http.StatusServiceUnavailable:
		return verdict{cachenode.ErrThrottled, ""}
	case http.StatusRequestTimeout:
		return verdict{cachenode.ErrUnavailable, ""}
	}
	if status >= http.StatusInternalServerError {
		return verdict{cachenode.ErrUnavailable, ""}
	}
	return verdict{cachenode.ErrInvalid, "is the endpoint a hub?"}
}

// refusal is an answer that is not what was asked for. What it says is cut, cleaned, and
// without the token.
func (s *Source) refusal(at target, answer *http.Response) error {
	h := answer.Header
	code := ranged.Clean(h.Get("X-Error-Code"), 64)
	v := cmp.Or(byCode[code], byStatus(answer.StatusCode))
	text := cmp.Or(code, http.StatusText(answer.StatusCode))
	if says := s.withoutToken(ranged.Clean(h.Get("X-Error-Message"), 300)); says != "" && says != text {
		text += ": " + says
	}
	text += fmt.Sprintf(" [HTTP %d", answer.StatusCode)
	if id := ranged.Clean(h.Get("X-Request-Id"), 64); id != "" {
		text += ", request " + id
	}
	e := &cachenode.Error{Kind: v.kind, Op: at.op, Subject: at.uri, Err: errors.New(text + "]"), Hint: v.hint}
	if errors.Is(v.kind, cachenode.ErrThrottled) {
		e.After = retryAfter(h, time.Now())
	}
	return e
}

// unanswered judges a failure to send a request or to receive its answer.
func (s *Source) unanswered(ctx context.Context, at target, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s %s: %w", at.op, at.uri, context.Cause(ctx))
	}
	if known, ok := errors.AsType[*cachenode.Error](err); ok { // netguard's
		return &cachenode.Error{Kind: known.Kind, Op: at.op, Subject: at.uri, Err: known}
	}
	e := &cachenode.Error{Kind: cachenode.ErrUnavailable, Op: at.op, Subject: at.uri, Err: errors.New(s.withoutToken(ranged.Clean(err.Error(), 300)))}
	if untrusted(err) {
		e.Kind, e.Hint = cachenode.ErrTLS, "name the certificates to trust with SSL_CERT_FILE, or check the endpoint's name"
	} else if _, ok := errors.AsType[*net.DNSError](err); ok {
		e.Hint = "check HF_ENDPOINT, and whether this machine resolves names"
	}
	return e
}

func untrusted(err error) bool {
	var (
		verification *tls.CertificateVerificationError
		record       tls.RecordHeaderError
		authority    x509.UnknownAuthorityError
	)
	return errors.As(err, &verification) || errors.As(err, &record) || errors.As(err, &authority)
}

func (s *Source) withoutToken(text string) string {
	if s.token == "" {
		return text
	}
	return strings.ReplaceAll(text, s.token, "[removed]")
}
