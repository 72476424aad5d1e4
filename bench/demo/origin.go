// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/hoist-dev/hoist/test/s3test/versity"
)

const (
	region = "us-east-1"
	bucket = "models"
	prefix = "llama-demo/"
	source = "s3://" + bucket + "/" + prefix
)

// origin is a running S3 server with one bucket, and the keys to it.
type origin struct {
	server *versity.Server
	access string
	secret string
	client *s3.Client
}

// startOrigin starts the server at binary over an empty folder.
func startOrigin(ctx context.Context, binary, dir string) (*origin, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	o := &origin{access: "hoist-demo", secret: rand.Text()}
	server, err := versity.Start(ctx, versity.Config{Bin: binary, Dir: dir, AccessKey: o.access, SecretKey: o.secret, Region: region})
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", binary, err)
	}
	o.server = server
	o.client = s3.New(s3.Options{
		Region: region, BaseEndpoint: aws.String(server.Endpoint()), UsePathStyle: true, HTTPClient: httpClient(),
		Credentials: credentials.NewStaticCredentialsProvider(o.access, o.secret, ""),
	})
	if _, err := o.client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(bucket)}); err != nil {
		o.close()
		return nil, fmt.Errorf("create bucket: %w", err)
	}
	return o, nil
}

func (o *origin) close() { _ = o.server.Stop() }

// environment is what a person would export before running hoist get.
func (o *origin) environment() []string {
	return append(os.Environ(),
		"AWS_ENDPOINT_URL_S3="+o.server.Endpoint(), "AWS_REGION="+region,
		"AWS_ACCESS_KEY_ID="+o.access, "AWS_SECRET_ACCESS_KEY="+o.secret)
}

// upload puts one local file under the model's prefix, with a checksum that a
// download can be verified against.
func (o *origin) upload(ctx context.Context, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = o.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: aws.String(bucket), Key: aws.String(prefix + filepath.Base(path)), Body: file,
		ChecksumAlgorithm: types.ChecksumAlgorithmCrc64nvme,
	})
	if err != nil {
		return fmt.Errorf("upload %s: %w", filepath.Base(path), err)
	}
	return nil
}
