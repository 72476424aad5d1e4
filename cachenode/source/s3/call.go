// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package s3

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/hoist-dev/hoist/cachenode"
)

// target is what a request is about, for its error and its region.
type target struct {
	op                  string // "list", "head", "get"
	scheme, bucket, key string
}

func (t target) subject() string {
	s := t.scheme + "://" + t.bucket + "/" + t.key
	if quoted := strconv.Quote(s); quoted != `"`+s+`"` {
		return quoted
	}
	return s
}

// request is one operation of the SDK, with the options that a call adds.
type request[T any] func(ctx context.Context, options func(*s3.Options)) (T, error)

// call sends one request, and once more if the answer tells that the bucket lives in
// another region. Its error is a fault.
func call[T any](ctx context.Context, s *Source, at target, do request[T]) (T, error) {
	epoch := s.login.since()
	region := s.region(at.bucket)
	out, err := do(ctx, in(region))
	if other := s.otherRegion(ctx, at.bucket, region, err); other != "" {
		s.log.Debug("bucket is in another region", "bucket", at.bucket, "region", other)
		s.regions.Store(at.bucket, other)
		out, err = do(ctx, in(other))
	}
	err = fault(ctx, at.op, at.subject(), err)
	if errors.Is(err, cachenode.ErrExpired) {
		s.login.expire(epoch)
	}
	return out, err
}

func in(region string) func(*s3.Options) {
	return func(o *s3.Options) {
		if region != "" {
			o.Region = region
		}
	}
}

// region is where bucket is known to live, "" to go by the configuration.
func (s *Source) region(bucket string) string {
	found, _ := s.regions.Load(bucket)
	region, _ := found.(string)
	return region
}

// otherRegion is the region that err sends us to, "" if it does not.
func (s *Source) otherRegion(ctx context.Context, bucket, region string, err error) string {
	a, ok := answerIn(err)
	if !ok || a.status != 400 && a.status/100 != 3 {
		return ""
	}
	if a.region == "" && (a.code == "AuthorizationHeaderMalformed" || a.status/100 == 3) {
		a.region = s.askRegion(ctx, bucket)
	}
	if a.region == region || region == "" && a.region == s.client.Options().Region {
		return ""
	}
	return a.region
}

// askRegion asks for the bucket itself. S3 names the region even when it refuses.
func (s *Source) askRegion(ctx context.Context, bucket string) string {
	out, err := s.client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: aws.String(bucket)}, in(defaultRegion))
	if a, ok := answerIn(err); ok {
		return a.region
	}
	if err == nil && regionName.MatchString(aws.ToString(out.BucketRegion)) {
		return *out.BucketRegion
	}
	return ""
}

const (
	metadataTries   = 5
	metadataTimeout = time.Minute // of one request without content
	firstPause      = 100 * time.Millisecond
	longestPause    = 30 * time.Second
)

var errSlow = fmt.Errorf("no complete answer within %v: %w", metadataTimeout, cachenode.ErrUnavailable)

// ask is call for requests without content: each has a deadline, and is tried again
// while that may help.
func ask[T any](ctx context.Context, s *Source, at target, do request[T]) (T, error) {
	for try := 1; ; try++ {
		once, cancel := context.WithTimeoutCause(ctx, metadataTimeout, errSlow)
		out, err := call(once, s, at, do)
		cancel()
		if err == nil || try == metadataTries || ctx.Err() != nil || !again(err) {
			return out, err
		}
		s.log.Debug("trying again", "op", at.op, "object", at.subject(), "try", try, "error", err)
		if stopped := s.pause(ctx, wait(try, cachenode.RetryAfter(err))); stopped != nil {
			return out, fmt.Errorf("%s %s: %w", at.op, at.subject(), stopped)
		}
	}
}

func again(err error) bool {
	class := cachenode.ClassOf(err)
	return class == cachenode.Retryable || class == cachenode.Throttled
}

// wait doubles with each try, jittered over its whole length so that a fleet that was
// refused together does not come back together; what the server asks for is the least.
func wait(try int, after time.Duration) time.Duration {
	jitter := rand.N(firstPause << try)
	return min(after+jitter, longestPause)
}
