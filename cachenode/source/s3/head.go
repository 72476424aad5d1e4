// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package s3

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/hoist-dev/hoist/cachenode"
)

// head pins the identity of one object, of its newest version when version is "".
func (s *Source) head(ctx context.Context, bucket, key, version string) (cachenode.File, error) {
	at := target{"head", s.scheme, bucket, key}
	input := &s3.HeadObjectInput{Bucket: &bucket, Key: &key, VersionId: optional(version), ChecksumMode: types.ChecksumModeEnabled}
	out, err := ask(ctx, s, at, func(ctx context.Context, options func(*s3.Options)) (*s3.HeadObjectOutput, error) {
		out, err := s.client.HeadObject(ctx, input, options)
		return out, s.reason(ctx, at, version, options, err)
	})
	if err != nil {
		return cachenode.File{}, err
	}
	file, err := pinned(key, version, out)
	if err != nil {
		return cachenode.File{}, &cachenode.Error{
			Kind: cachenode.ErrUnavailable, Op: at.op, Subject: at.subject(), Err: err, Hint: "is the endpoint an S3 service?",
		}
	}
	if file.Source.Checksum.Composite {
		file.Parts = s.parts(ctx, bucket, file)
	}
	return file, nil
}

// pinned reads the identity of an object from the answer to HEAD.
func pinned(key, version string, out *s3.HeadObjectOutput) (cachenode.File, error) {
	if aws.ToString(out.ETag) == "" || out.ContentLength == nil {
		return cachenode.File{}, errors.New("the answer has no ETag or no length")
	}
	if id := aws.ToString(out.VersionId); id != "" {
		version = id
	}
	if version == "null" { // the version of a bucket that keeps none: overwritten in place
		version = ""
	}
	return cachenode.File{
		Size: *out.ContentLength,
		Source: cachenode.Identity{
			Key: key, ETag: *out.ETag, VersionID: version, Checksum: checksum(out),
		},
	}, nil
}

// reason turns the refusal of a HEAD, which has no body and thus does not say why,
// into that of a GET of the same object. The GET asks for the first byte; if it
// succeeds its content is dropped and the refusal of the HEAD stands.
func (s *Source) reason(ctx context.Context, at target, version string, options func(*s3.Options), refusal error) error {
	a, ok := answerIn(refusal)
	if !ok || a.code != "" || !slices.Contains([]int{400, 403, 404}, a.status) || a.status == 400 && a.region != "" {
		return refusal
	}
	out, err := s.client.GetObject(ctx, &s3.GetObjectInput{
		Bucket: &at.bucket, Key: &at.key, VersionId: optional(version), Range: aws.String("bytes=0-0"),
	}, options)
	if err != nil {
		return err //nolint:wrapcheck // fault classifies it
	}
	_ = out.Body.Close() // dropped: there is nothing to lose
	return refusal
}
