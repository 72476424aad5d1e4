// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package s3

import (
	"context"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// credentials marks the failures of the AWS chain as such, and forgets what it
// cached when an origin says that it is over.
type credentials struct {
	chain aws.CredentialsProvider
	epoch atomic.Int64 // counts what was forgotten
}

// newCredentials returns nil when requests are not to be signed.
func newCredentials(chain aws.CredentialsProvider) *credentials {
	if chain == nil || aws.IsCredentialsProvider(chain, (*aws.AnonymousCredentials)(nil)) {
		return nil
	}
	return &credentials{chain: chain}
}

// Retrieve implements [aws.CredentialsProvider].
func (c *credentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	found, err := c.chain.Retrieve(ctx)
	if err != nil {
		return aws.Credentials{}, &credentialsError{err}
	}
	return found, nil
}

// since returns the current epoch, to be given to expire later.
func (c *credentials) since() int64 {
	if c == nil {
		return 0
	}
	return c.epoch.Load()
}

// expire makes the next Retrieve refresh. Of many requests that were refused with the
// same credentials only the first has an effect.
func (c *credentials) expire(epoch int64) {
	if c == nil || !c.epoch.CompareAndSwap(epoch, epoch+1) {
		return
	}
	if cache, ok := c.chain.(interface{ Invalidate() }); ok {
		cache.Invalidate()
	}
}

// credentialsError is a failure to get credentials, as opposed to one to use them.
type credentialsError struct{ err error }

func (e *credentialsError) Error() string { return e.err.Error() }
func (e *credentialsError) Unwrap() error { return e.err }
