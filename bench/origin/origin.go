// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package origin is where benchmarks get their models from: a real S3 server on loopback, if wanted behind a road with the latency and
// the limit of a connection that a distant one has.
package origin

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"os"
	"path"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sys/unix"

	"github.com/hoist-dev/hoist/bench/synth"
	"github.com/hoist-dev/hoist/test/s3test/versity"
)

const region = "us-east-1"

// Config says what origin to start.
type Config struct {
	Server string // path of the versitygw binary
	Dir    string // an empty folder, or one that is not there
	Bucket string
	Road   Road
	Listen string // host that clients reach the road by; "" is 127.0.0.1
}

// Origin is a running S3 server with one bucket, and the keys to it. End it with Close.
type Origin struct {
	Endpoint string // where clients should go
	Bucket   string
	Access   string
	Secret   string

	dir    string // of the server
	server *versity.Server
	road   *road
	client *s3.Client // beside the road
}

// Start starts the server and makes the bucket.
func Start(ctx context.Context, c Config) (*Origin, error) {
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, err
	}
	o := &Origin{dir: c.Dir, Bucket: c.Bucket, Access: "hoist-bench", Secret: rand.Text()}
	var err error
	if o.server, err = versity.Start(ctx, versity.Config{Bin: c.Server, Dir: c.Dir, AccessKey: o.Access, SecretKey: o.Secret, Region: region}); err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Server, err)
	}
	o.client = o.clientOf(o.server.Endpoint())
	if _, err := o.client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(c.Bucket)}); err != nil {
		o.Close()
		return nil, fmt.Errorf("create bucket: %w", err)
	}
	if o.road, err = build(ctx, c.Road, o.server.Endpoint(), cmp.Or(c.Listen, "127.0.0.1")); err != nil {
		o.Close()
		return nil, err
	}
	o.Endpoint = o.road.endpoint
	return o, nil
}

// Close ends the server.
func (o *Origin) Close() {
	if o.road != nil {
		o.road.close()
	}
	_ = o.server.Stop()
}

// Bytes is how many bytes of answers have left the origin so far.
func (o *Origin) Bytes() int64 { return o.road.bytes.Load() }

// Client is a client that takes the road, as many connections as it likes.
func (o *Origin) Client() *s3.Client { return o.clientOf(o.Endpoint) }

func (o *Origin) clientOf(endpoint string) *s3.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64
	return s3.New(s3.Options{
		Region: region, BaseEndpoint: aws.String(endpoint), UsePathStyle: true, HTTPClient: &http.Client{Transport: transport},
		Credentials: credentials.NewStaticCredentialsProvider(o.Access, o.Secret, ""),
	})
}

// Environment is what a person would export before running hoist get, or the AWS CLI.
func (o *Origin) Environment() []string {
	return append(os.Environ(),
		"AWS_ENDPOINT_URL_S3="+o.Endpoint, "AWS_REGION="+region, "AWS_DEFAULT_REGION="+region,
		"AWS_ACCESS_KEY_ID="+o.Access, "AWS_SECRET_ACCESS_KEY="+o.Secret)
}

// Publish makes a synthetic model in the folder staging, which it removes again, and uploads its files below prefix, each with a checksum
// that a download can be verified against. Where only is not nil it names the files to upload. They are on the disk when it returns: what is measured
// next does not share it with them.
func (o *Origin) Publish(ctx context.Context, prefix, staging string, model synth.Options, only map[string]bool) ([]synth.File, error) {
	defer os.RemoveAll(staging)
	files, err := synth.Generate(staging, model)
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		if only != nil && !only[file.Path] {
			continue
		}
		if err := o.upload(ctx, path.Join(prefix, file.Path), filepath.Join(staging, file.Path)); err != nil {
			return nil, fmt.Errorf("upload %s: %w", file.Path, err)
		}
		if err := os.Remove(filepath.Join(staging, file.Path)); err != nil {
			return nil, err
		}
	}
	return files, settle(o.dir)
}

// settle waits until what was written to the file system of a folder is on the disk.
func settle(dir string) error {
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer folder.Close()
	if err := unix.Syncfs(int(folder.Fd())); err != nil {
		return &os.PathError{Op: "syncfs", Path: dir, Err: err}
	}
	return nil
}

func (o *Origin) upload(ctx context.Context, key, from string) error {
	file, err := os.Open(from)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = o.client.PutObject(ctx, &s3.PutObjectInput{Bucket: &o.Bucket, Key: &key, Body: file, ChecksumAlgorithm: types.ChecksumAlgorithmCrc64nvme})
	return err
}
