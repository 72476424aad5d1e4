// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package s3

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awscredentials "github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/hoist-dev/hoist/cachenode/cachetest"
	"github.com/hoist-dev/hoist/test/s3test/versity"
)

// The whole contract on a real server, under both names that such a server is given.
func TestSource_KeepsTheContractOnVersitygw(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts a server")
	}
	const id, secret = "AKIDTEST", "secretsecret"
	server, err := versity.Start(t.Context(), versity.Config{Bin: versity.Build(t), Dir: t.TempDir(), AccessKey: id, SecretKey: secret, Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	client := s3.New(s3.Options{Region: "us-east-1", BaseEndpoint: aws.String(server.Endpoint()), UsePathStyle: true, HTTPClient: &http.Client{Transport: transport},
		Credentials: awscredentials.NewStaticCredentialsProvider(id, secret, "")})
	buckets := 0
	for _, scheme := range []string{"s3", "minio"} { //nolint:paralleltest // buckets are counted
		t.Run(scheme, func(t *testing.T) {
			cachetest.Source(t, func(t *testing.T) cachetest.SourceFixture {
				t.Helper()
				buckets++
				bucket := fmt.Sprintf("hoist-%d", buckets)
				if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
					t.Fatal(err)
				}
				keys := &Keys{AccessKeyID: id, SecretAccessKey: secret}
				src, err := New(t.Context(), Config{Scheme: scheme, Endpoint: server.Endpoint(), Keys: keys})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = src.Close() })
				return cachetest.SourceFixture{Source: src, Base: scheme + "://" + bucket + "/", Holds: posixHolds,
					Put: func(key string, content []byte) {
						if _, err := client.PutObject(context.WithoutCancel(t.Context()), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(content)}); err != nil {
							t.Fatalf("put %q: %v", key, err)
						}
					},
					Remove: func(key string) {
						if _, err := client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &bucket, Key: &key}); err != nil {
							t.Fatal(err)
						}
					},
					Deny: func() {
						wrong, err := New(t.Context(), Config{Scheme: scheme, Endpoint: server.Endpoint(), Keys: &Keys{AccessKeyID: id, SecretAccessKey: "wrong"}})
						if err != nil {
							t.Fatal(err)
						}
						src.client = wrong.client
						t.Cleanup(func() { _ = wrong.Close() })
					}}
			})
		})
	}
}

// posixHolds is what a server that stores objects as files can have as a key.
func posixHolds(key string) bool {
	for name := range strings.SplitSeq(strings.TrimSuffix(key, "/"), "/") {
		if name == "" || name == "." || name == ".." || len(name) > 255 {
			return false
		}
	}
	return !strings.ContainsAny(key, "\\\t")
}
