// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package versity

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Bucket is a bucket of a Server, for tests to fill.
type Bucket struct {
	client *s3.Client
	name   string
}

// Bucket creates a bucket.
func (s *Server) Bucket(ctx context.Context, name string) (*Bucket, error) {
	transport := &http.Transport{}
	if s.config.CertFile != "" {
		pem, err := os.ReadFile(s.config.CertFile)
		if err != nil {
			return nil, err
		}
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(pem)
		transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	return MakeBucket(ctx, s.endpoint, s.config, name, &http.Client{Transport: transport})
}

// MakeBucket creates a bucket, if it is not there, on a server that somebody else has started. Of the config only region and keys are used.
func MakeBucket(ctx context.Context, endpoint string, c Config, name string, http *http.Client) (*Bucket, error) {
	b := &Bucket{name: name, client: s3.New(s3.Options{
		Region: c.Region, BaseEndpoint: aws.String(endpoint), UsePathStyle: true, HTTPClient: http,
		Credentials: credentials.NewStaticCredentialsProvider(c.AccessKey, c.SecretKey, ""),
	})}
	_, err := b.client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(name)})
	if _, ours := errors.AsType[*types.BucketAlreadyOwnedByYou](err); err != nil && !ours {
		return nil, fmt.Errorf("create bucket %s: %w", name, err)
	}
	return b, nil
}

// Put stores an object, with a checksum that a download can be verified against.
func (b *Bucket) Put(ctx context.Context, key string, content []byte) error {
	_, err := b.client.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(b.name), Key: aws.String(key),
		Body: bytes.NewReader(content), ChecksumAlgorithm: types.ChecksumAlgorithmCrc64nvme})
	if err != nil {
		return fmt.Errorf("put %s: %w", key, err)
	}
	return nil
}

// Remove deletes an object.
func (b *Bucket) Remove(ctx context.Context, key string) error {
	if _, err := b.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String(b.name), Key: aws.String(key)}); err != nil {
		return fmt.Errorf("remove %s: %w", key, err)
	}
	return nil
}
