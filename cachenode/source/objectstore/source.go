// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !nojuicefs && (cgo || (nogspt && nosqlite))

package objectstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/juicedata/juicefs/pkg/object"

	"github.com/hoist-dev/hoist/cachenode"
)

// Config says which store.
type Config struct {
	Scheme string // of the URIs
	Kind   string // as JuiceFS names it: "wasb", "gs", "minio"

	// Bucket is where a bucket is, as JuiceFS writes it, such as https://CONTAINER.blob.core.windows.net.
	Bucket func(name string) string

	AccessKey, SecretKey, Token string
}

// String keeps the credentials out of logs.
func (c Config) String() string { return c.Scheme + "://" }

// GoString keeps the credentials out of logs.
func (c Config) GoString() string { return c.String() }

// Source reads the buckets of one store. It is safe for concurrent use.
type Source struct {
	config Config

	mu      sync.Mutex
	buckets map[string]object.ObjectStorage
}

var _ cachenode.Source = (*Source)(nil)

// New returns a Source. It makes no request.
func New(c Config) *Source { return &Source{config: c, buckets: map[string]object.ObjectStorage{}} }

// bucket opens one.
func (s *Source) bucket(name string) (object.ObjectStorage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, ok := s.buckets[name]; ok {
		return known, nil
	}
	opened, err := object.CreateStorage(s.config.Kind, s.config.Bucket(name), s.config.AccessKey, s.config.SecretKey, s.config.Token)
	if err != nil {
		return nil, &cachenode.Error{Kind: cachenode.ErrDenied, Op: "open", Subject: s.config.Scheme + "://" + name + "/", Err: errors.New(s.withoutSecrets(err.Error())), Hint: "check the credentials"}
	}
	s.buckets[name] = opened
	return opened, nil
}

// Close ends what the store keeps.
func (s *Source) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, b := range s.buckets {
		object.Shutdown(b)
		delete(s.buckets, name)
	}
	return nil
}

// identity of an object's content. Times are cut to seconds: a listing may be finer than
// what a single object is asked for.
func identity(o object.Object) string {
	return fmt.Sprintf(`"%x-%x"`, o.Size(), o.Mtime().Truncate(time.Second).Unix())
}

func (s *Source) uri(bucket, key string) string {
	return cachenode.Ref{Scheme: s.config.Scheme, Bucket: bucket, Key: key}.String()
}

// fault is the one place where an error of the library becomes one of Hoist. The
// libraries below it have no type in common, but for a missing object; what they print
// holds the status.
func (s *Source) fault(ctx context.Context, op, subject string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s %s: %w", op, subject, context.Cause(ctx))
	}
	if known, ok := errors.AsType[*cachenode.Error](err); ok {
		return known
	}
	e := &cachenode.Error{Kind: cachenode.ErrUnavailable, Op: op, Subject: subject, Err: errors.New(s.withoutSecrets(err.Error()))}
	text := err.Error()
	switch {
	case errors.Is(err, fs.ErrNotExist), contains(text, "NoSuchBucket", "NoSuchKey", "BlobNotFound", "ContainerNotFound", "StatusCode: 404", "Error 404"):
		e.Kind, e.Hint = cachenode.ErrNotFound, "check the bucket and the prefix"
	case contains(text, "StatusCode: 403", "StatusCode: 401", "Error 403", "Error 401", "AuthenticationFailed", "AuthorizationFailure", "AccessDenied", "SignatureDoesNotMatch"):
		e.Kind, e.Hint = cachenode.ErrDenied, "check the credentials, and that they may list and read the bucket"
	case contains(text, "StatusCode: 416", "InvalidRange"):
		e.Kind = cachenode.ErrChanged
	case contains(text, "StatusCode: 429", "StatusCode: 503", "ServerBusy", "SlowDown", "Error 429", "Error 503"):
		e.Kind = cachenode.ErrThrottled
	}
	return e
}

func contains(text string, parts ...string) bool {
	for _, part := range parts {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}

func (s *Source) withoutSecrets(text string) string {
	for _, secret := range []string{s.config.SecretKey, s.config.Token} {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "[removed]")
		}
	}
	return strings.ToValidUTF8(text[:min(len(text), 500)], "")
}

// gone reports whether an object is not there.
func gone(err error) bool { return errors.Is(err, os.ErrNotExist) }
