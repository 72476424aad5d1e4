// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package initializer downloads a model as the init container of an inference server does, so that there is something to compare with.
package initializer

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"
)

// What boto3's download_file does by default, and with it KServe's storage
// initializer: one file after the other, each in 8 MiB ranges, ten at a time.
const (
	part        = 8 << 20
	connections = 10
)

// Download copies every object below prefix into dir, and returns how many bytes it has written.
func Download(ctx context.Context, client *s3.Client, bucket, prefix, dir string) (written int64, err error) {
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return written, fmt.Errorf("list: %w", err)
		}
		for _, object := range page.Contents {
			path := filepath.Join(dir, filepath.Base(*object.Key))
			n, err := downloadObject(ctx, client, bucket, *object.Key, *object.Size, path)
			written += n
			if err != nil {
				return written, fmt.Errorf("download %s: %w", *object.Key, err)
			}
		}
	}
	return written, nil
}

func downloadObject(ctx context.Context, client *s3.Client, bucket, key string, size int64, path string) (int64, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return 0, err
	}
	file, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	var written atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(connections)
	for off := int64(0); off < size; off += part {
		group.Go(func() error {
			end := min(off+part, size) - 1
			answer, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key, Range: aws.String(fmt.Sprintf("bytes=%d-%d", off, end))})
			if err != nil {
				return err
			}
			defer answer.Body.Close()
			n, err := io.Copy(io.NewOffsetWriter(file, off), answer.Body)
			written.Add(n)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return written.Load(), err
	}
	return written.Load(), file.Close()
}
