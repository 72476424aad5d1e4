// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/source/ranged"
)

// Open implements [cachenode.Source]. It is one GET with Range and If-Match.
func (s *Source) Open(ctx context.Context, o cachenode.Origin, f cachenode.File, r cachenode.Range) (io.ReadCloser, error) {
	at := target{"get", s.scheme, o.Bucket, f.Source.Key}
	switch {
	case o.Scheme != s.scheme || o.Endpoint != s.endpoint:
		return nil, invalid(at.op, at.subject(), fmt.Errorf("it is at %q, this source reads %q", o.Endpoint, s.endpoint), "")
	case r.Off < 0 || r.Len <= 0 || r.Off > f.Size-r.Len:
		return nil, invalid(at.op, at.subject(), fmt.Errorf("%d bytes from %d of %d", r.Len, r.Off, f.Size), "")
	}
	out, err := s.get(ctx, at, f, r)
	if err != nil {
		return nil, gone(at, err)
	}
	if kind, why := differs(out, f, r); kind != nil {
		_ = out.Body.Close() // dropped: it is not what was asked for
		return nil, &cachenode.Error{Kind: kind, Op: at.op, Subject: at.subject(), Err: errors.New(why)}
	}
	return ranged.NewBody(ctx, out.Body, r.Len, at.op, at.subject()), nil
}

// get asks for the pinned version, or for the newest where that is not allowed: GET by
// version id needs the permission s3:GetObjectVersion, which many policies lack. Both
// answers have to carry the pinned ETag and version id.
func (s *Source) get(ctx context.Context, at target, f cachenode.File, r cachenode.Range) (*s3.GetObjectOutput, error) {
	span := fmt.Sprintf("bytes=%d-%d", r.Off, r.End()-1)
	send := func(version string) (*s3.GetObjectOutput, error) {
		input := &s3.GetObjectInput{Bucket: &at.bucket, Key: &at.key, Range: &span, IfMatch: &f.Source.ETag, VersionId: optional(version)}
		return call(ctx, s, at, func(ctx context.Context, options func(*s3.Options)) (*s3.GetObjectOutput, error) {
			return s.client.GetObject(ctx, input, options)
		})
	}
	if _, denied := s.unversioned.Load(at.bucket); denied || f.Source.VersionID == "" {
		return send("")
	}
	out, err := send(f.Source.VersionID)
	if codeOf(err) != "AccessDenied" {
		return out, err
	}
	latest, other := send("")
	if errors.Is(other, cachenode.ErrDenied) {
		return nil, err
	}
	if other == nil {
		s.unversioned.Store(at.bucket, struct{}{})
	}
	return latest, other
}

// gone turns "no such key" into ErrChanged: the object was there when it was pinned.
func gone(at target, err error) error {
	switch code := codeOf(err); {
	case !errors.Is(err, cachenode.ErrNotFound) || code == "NoSuchBucket":
		return err
	default:
		return &cachenode.Error{Kind: cachenode.ErrChanged, Op: at.op, Subject: at.subject(), Err: fmt.Errorf("it was deleted: %s", code)}
	}
}

// differs compares an answer with what was asked for. The kind is nil when it is the
// bytes r of f; else it is ErrChanged for another object, ErrUnavailable for an answer
// to another question.
func differs(out *s3.GetObjectOutput, f cachenode.File, r cachenode.Range) (kind error, why string) {
	raw, ok := awsmiddleware.GetRawResponse(out.ResultMetadata).(*smithyhttp.Response)
	if !ok {
		return cachenode.ErrUnavailable, "the answer has no head"
	}
	h := raw.Header
	if tag := h.Get("ETag"); tag != f.Source.ETag {
		return cachenode.ErrChanged, fmt.Sprintf("ETag %s, was %s", quote(tag), f.Source.ETag)
	}
	if id := h.Get("X-Amz-Version-Id"); f.Source.VersionID != "" && id != f.Source.VersionID {
		return cachenode.ErrChanged, fmt.Sprintf("version %s, was %s", quote(id), f.Source.VersionID)
	}
	if coding := h.Get("Content-Encoding"); !plain(coding) {
		return cachenode.ErrUnavailable, fmt.Sprintf("the answer is encoded (%s): a range of that is no range of the object", quote(coding))
	}
	if n := raw.ContentLength; n >= 0 && n != r.Len {
		return cachenode.ErrUnavailable, fmt.Sprintf("%d bytes instead of %d", n, r.Len)
	}
	return ranged.Check(raw.StatusCode, h.Get("Content-Range"), f.Size, r)
}

// plain reports whether a Content-Encoding leaves the bytes as they are. "aws-chunked"
// is how an upload was framed; some servers store it by mistake.
func plain(coding string) bool {
	return coding == "" || coding == "identity" || coding == "aws-chunked"
}

func quote(header string) string { return strconv.Quote(ranged.Clean(header, 100)) }
