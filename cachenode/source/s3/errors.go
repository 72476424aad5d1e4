// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package s3

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/hoist-dev/hoist/cachenode"
)

// verdict is what a failure means to the rest of Hoist.
type verdict struct {
	kind error
	hint string // what to do, on one line
}

const (
	hintRegion = "set AWS_REGION to the bucket's region"
	hintLogin  = "check the credentials: AWS_PROFILE, AWS_ACCESS_KEY_ID, or the role of this machine or service account"
	hintGrant  = "grant s3:ListBucket on the bucket and s3:GetObject on its objects"
	hintKMS    = "grant kms:Decrypt on the key that encrypts the object"
	hintClock  = "set the clock of this machine: S3 refuses requests that are off by more than 15 minutes"
)

// byCode judges the error codes of S3 and of servers that follow it.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
var byCode = map[string]verdict{
	"NoSuchBucket":  {cachenode.ErrNotFound, "check the name of the bucket, and the endpoint"},
	"NoSuchKey":     {cachenode.ErrNotFound, ""},
	"NoSuchVersion": {cachenode.ErrNotFound, ""},

	"AccessDenied":                 {cachenode.ErrDenied, hintGrant},
	"AllAccessDisabled":            {cachenode.ErrDenied, "the owner of the bucket has disabled all access"},
	"AccountProblem":               {cachenode.ErrDenied, "the AWS account has a problem: ask its owner"},
	"InvalidAccessKeyId":           {cachenode.ErrDenied, hintLogin},
	"InvalidToken":                 {cachenode.ErrDenied, hintLogin},
	"SignatureDoesNotMatch":        {cachenode.ErrDenied, hintLogin},
	"XAdminUserNotFound":           {cachenode.ErrDenied, hintLogin}, // versitygw, with 404, for an unknown access key
	"UnrecognizedClientException":  {cachenode.ErrDenied, hintLogin},
	"InvalidObjectState":           {cachenode.ErrDenied, "the object is archived: restore it from Glacier first"},
	"KMS.DisabledException":        {cachenode.ErrDenied, hintKMS},
	"KMS.KMSInvalidStateException": {cachenode.ErrDenied, hintKMS},
	"KMS.NotFoundException":        {cachenode.ErrDenied, hintKMS},

	"ExpiredToken":          {cachenode.ErrExpired, "renew the credentials"},
	"ExpiredTokenException": {cachenode.ErrExpired, "renew the credentials"},
	"TokenRefreshRequired":  {cachenode.ErrExpired, "renew the credentials"},

	"RequestTimeTooSkewed": {cachenode.ErrClockSkew, hintClock},
	"RequestExpired":       {cachenode.ErrClockSkew, hintClock},

	"SlowDown":             {cachenode.ErrThrottled, ""},
	"Throttling":           {cachenode.ErrThrottled, ""},
	"ThrottlingException":  {cachenode.ErrThrottled, ""},
	"RequestLimitExceeded": {cachenode.ErrThrottled, ""},
	"TooManyRequests":      {cachenode.ErrThrottled, ""},

	"InternalError":      {cachenode.ErrUnavailable, ""},
	"RequestTimeout":     {cachenode.ErrUnavailable, ""},
	"PreconditionFailed": {cachenode.ErrChanged, ""},
	"InvalidRange":       {cachenode.ErrChanged, "the object is shorter than it was"},

	"AuthorizationHeaderMalformed":       {cachenode.ErrInvalid, hintRegion},
	"IllegalLocationConstraintException": {cachenode.ErrInvalid, hintRegion},
	"PermanentRedirect":                  {cachenode.ErrInvalid, hintRegion},
	"TemporaryRedirect":                  {cachenode.ErrInvalid, hintRegion},
	"InvalidBucketName":                  {cachenode.ErrInvalid, "check the name of the bucket"},
	"MethodNotAllowed":                   {cachenode.ErrNotFound, "that version is a delete marker"},
}

// byStatus judges an answer whose code says nothing, which every answer to HEAD is.
func byStatus(status int) verdict {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return verdict{cachenode.ErrDenied, hintGrant}
	case http.StatusNotFound:
		return verdict{cachenode.ErrNotFound, ""}
	case http.StatusMethodNotAllowed:
		return byCode["MethodNotAllowed"]
	case http.StatusPreconditionFailed, http.StatusRequestedRangeNotSatisfiable:
		return verdict{cachenode.ErrChanged, ""}
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return verdict{cachenode.ErrThrottled, ""}
	case http.StatusRequestTimeout:
		return verdict{cachenode.ErrUnavailable, ""}
	}
	switch {
	case status >= 500:
		return verdict{cachenode.ErrUnavailable, ""}
	case status >= 300 && status < 400:
		return verdict{cachenode.ErrInvalid, "redirects are not followed: name the right endpoint or region"}
	}
	return verdict{cachenode.ErrInvalid, ""}
}

// fault is the one place where an error of the SDK becomes one of Hoist. The text of
// the SDK's error stays behind: what is safe of it is in the cause.
func fault(ctx context.Context, op, subject string, err error) error {
	var known *cachenode.Error
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%s %s: %w", op, subject, context.Cause(ctx))
	case errors.As(err, &known):
		return &cachenode.Error{Kind: known.Kind, Op: op, Subject: subject, Err: known, After: known.After}
	}
	e := &cachenode.Error{Op: op, Subject: subject}
	var v verdict
	if a, ok := answerIn(err); ok {
		v, e.Err, e.After = cmp.Or(byCode[a.code], byStatus(a.status)), a, a.after
	} else {
		v, e.Err = unanswered(err)
	}
	e.Kind, e.Hint = v.kind, v.hint
	return e
}

// codeOf is the error code that an S3 server gave, "" if it gave none.
func codeOf(err error) string {
	if a, ok := errors.AsType[*answer](err); ok {
		return a.code
	}
	return ""
}
