// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package s3

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/source/ranged"
)

// Bounds on a listing. A page may be short or empty, so pages are bounded as well.
const (
	maxKeys  = 100_000
	maxPages = 10_000
)

// list returns the keys of the files under prefix, which is "" or ends in "/", as the
// server orders them. Keys that end in "/", which consoles create to show a directory,
// are no files. A listing that does not end is ErrInvalid.
func (s *Source) list(ctx context.Context, bucket, prefix string) ([]string, error) {
	at := target{"list", s.scheme, bucket, prefix}
	var keys []string
	seen := map[string]bool{}
	for token := ""; ; {
		page, err := s.page(ctx, at, &s3.ListObjectsV2Input{ContinuationToken: optional(token)})
		if err != nil {
			return nil, err
		}
		if keys, err = appendFiles(keys, page, prefix); err != nil {
			return nil, &cachenode.Error{Kind: cachenode.ErrUnavailable, Op: at.op, Subject: at.subject(), Err: err, Hint: "is the endpoint an S3 service?"}
		}
		if !aws.ToBool(page.IsTruncated) {
			return keys, nil
		}
		token = aws.ToString(page.NextContinuationToken)
		if why := endless(token, seen, len(keys)); why != "" {
			return nil, invalid(at.op, at.subject(), errors.New(why), "name a directory that holds one model")
		}
		seen[token] = true
	}
}

// page asks for one page of a listing. Keys come percent-encoded where the server can
// do that, because XML can't carry every character that a key may have.
func (s *Source) page(ctx context.Context, at target, input *s3.ListObjectsV2Input) (*s3.ListObjectsV2Output, error) {
	input.Bucket, input.Prefix, input.EncodingType = &at.bucket, optional(at.key), types.EncodingTypeUrl
	return ask(ctx, s, at, func(ctx context.Context, options func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
		return s.client.ListObjectsV2(ctx, input, options)
	})
}

func endless(token string, seen map[string]bool, keys int) string {
	switch {
	case token == "":
		return "the listing says that it goes on, but not where"
	case seen[token]:
		return "the listing repeats itself"
	case keys > maxKeys || len(seen) >= maxPages:
		return fmt.Sprintf("more than %d files or %d pages", maxKeys, maxPages)
	}
	return ""
}

// appendFiles adds the keys of page that are files under prefix.
func appendFiles(keys []string, page *s3.ListObjectsV2Output, prefix string) ([]string, error) {
	for _, object := range page.Contents {
		key, err := decodeKey(aws.ToString(object.Key), page.EncodingType)
		if err != nil {
			return nil, err
		}
		if !strings.HasPrefix(key, prefix) {
			return nil, fmt.Errorf("%q is listed and not under the prefix", ranged.Clean(key, 200))
		}
		if strings.HasSuffix(key, "/") {
			continue
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func decodeKey(key string, encoding types.EncodingType) (string, error) {
	if encoding != types.EncodingTypeUrl {
		return key, nil
	}
	decoded, err := url.QueryUnescape(key)
	if err != nil {
		return "", fmt.Errorf("decode key: %w", err)
	}
	return decoded, nil
}

// nearby names a directory or object that begins with what ref names: what was meant,
// perhaps. "" when there is none, or when it can't be found out.
func (s *Source) nearby(ctx context.Context, ref cachenode.Ref) string {
	stem := strings.TrimSuffix(ref.Key, "/")
	if stem == "" {
		return ""
	}
	page, err := s.page(ctx, target{"list", s.scheme, ref.Bucket, stem}, &s3.ListObjectsV2Input{Delimiter: aws.String("/"), MaxKeys: aws.Int32(5)})
	if err != nil {
		return ""
	}
	var found []string
	for _, p := range page.CommonPrefixes {
		found = append(found, aws.ToString(p.Prefix))
	}
	for _, o := range page.Contents {
		found = append(found, aws.ToString(o.Key))
	}
	for _, encoded := range found {
		if key, err := decodeKey(encoded, page.EncodingType); err == nil && key != ref.Key {
			return "did you mean " + target{"", s.scheme, ref.Bucket, key}.subject() + "?"
		}
	}
	return ""
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
