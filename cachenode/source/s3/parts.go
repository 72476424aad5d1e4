// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package s3

import (
	"context"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/hoist-dev/hoist/cachenode"
)

// maxParts is S3's limit on the parts of one object.
const maxParts = 10_000

// parts returns the sizes of the upload parts of f, which its composite checksum
// needs, or nil when they can't be known: then the checksum can't be verified, and
// the file is as safe as one without.
func (s *Source) parts(ctx context.Context, bucket string, f cachenode.File) []int64 {
	sizes, err := s.listedParts(ctx, bucket, f)
	if err != nil || !addUp(sizes, f.Size) {
		s.log.Debug("parts are not listed, probing them", "key", f.Source.Key, "error", err)
		sizes, err = s.probedParts(ctx, bucket, f)
	}
	if err != nil || !addUp(sizes, f.Size) {
		s.log.Debug("parts are unknown, the composite checksum can't be verified", "key", f.Source.Key, "error", err)
		return nil
	}
	return sizes
}

// listedParts asks GetObjectAttributes, which not every server has and which not
// everyone may call who may read the object.
func (s *Source) listedParts(ctx context.Context, bucket string, f cachenode.File) ([]int64, error) {
	var sizes []int64
	at := target{"list the parts of", s.scheme, bucket, f.Source.Key}
	for marker := ""; ; {
		page, err := ask(ctx, s, at, func(ctx context.Context, options func(*s3.Options)) (*s3.GetObjectAttributesOutput, error) {
			return s.client.GetObjectAttributes(ctx, &s3.GetObjectAttributesInput{
				Bucket: &bucket, Key: &f.Source.Key, VersionId: optional(f.Source.VersionID),
				ObjectAttributes: []types.ObjectAttributes{types.ObjectAttributesObjectParts},
				PartNumberMarker: optional(marker), MaxParts: aws.Int32(1000),
			}, options)
		})
		if err != nil {
			return nil, err
		}
		if page.ObjectParts == nil {
			return sizes, nil
		}
		for _, part := range page.ObjectParts.Parts {
			sizes = append(sizes, aws.ToInt64(part.Size))
		}
		next := aws.ToString(page.ObjectParts.NextPartNumberMarker)
		if !aws.ToBool(page.ObjectParts.IsTruncated) || !further(next, marker) || len(sizes) > maxParts {
			return sizes, nil
		}
		marker = next
	}
}

// further reports whether a part number marker moves on.
func further(next, marker string) bool {
	to, err := strconv.Atoi(next)
	from, _ := strconv.Atoi(marker) // "" is the beginning
	return err == nil && to > from
}

// probedParts asks for the first and the last part. When they fit the total, all parts
// between them are as large as the first: uploaders cut evenly.
func (s *Source) probedParts(ctx context.Context, bucket string, f cachenode.File) ([]int64, error) {
	first, count, err := s.part(ctx, bucket, f, 1)
	if err != nil || count < 1 || count > maxParts {
		return nil, err
	}
	last, _, err := s.part(ctx, bucket, f, count)
	if err != nil {
		return nil, err
	}
	sizes := make([]int64, count)
	for i := range sizes {
		sizes[i] = first
	}
	sizes[count-1] = last
	return sizes, nil
}

// part returns the size of one part, and how many there are.
func (s *Source) part(ctx context.Context, bucket string, f cachenode.File, number int32) (size int64, count int32, err error) {
	at := target{"head a part of", s.scheme, bucket, f.Source.Key}
	out, err := ask(ctx, s, at, func(ctx context.Context, options func(*s3.Options)) (*s3.HeadObjectOutput, error) {
		return s.client.HeadObject(ctx, &s3.HeadObjectInput{
			Bucket: &bucket, Key: &f.Source.Key, VersionId: optional(f.Source.VersionID), PartNumber: &number,
		}, options)
	})
	if err != nil {
		return 0, 0, err
	}
	return aws.ToInt64(out.ContentLength), aws.ToInt32(out.PartsCount), nil
}

// addUp reports whether sizes are positive and make up total.
func addUp(sizes []int64, total int64) bool {
	for _, n := range sizes {
		if n <= 0 || n > total {
			return false
		}
		total -= n
	}
	return len(sizes) > 0 && total == 0
}
