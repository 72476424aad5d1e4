// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Command tmget downloads every object under a prefix with the transfer manager
// of the AWS SDK for Go v2, the way its documentation shows: the peer that a Go
// program would otherwise use. It exists for the download benchmark only.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	tmtypes "github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "tmget:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 3 {
		return errors.New("usage: tmget BUCKET PREFIX/ DIR")
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	manager := transfermanager.New(client, func(o *transfermanager.Options) {
		o.GetObjectType = tmtypes.GetObjectRanges // the default streams an object of one part over one connection
	})
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: &args[0], Prefix: &args[1]})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, object := range page.Contents {
			if err := download(ctx, manager, args[0], *object.Key, filepath.Join(args[2], strings.TrimPrefix(*object.Key, args[1]))); err != nil {
				return err
			}
		}
	}
	return nil
}

func download(ctx context.Context, manager *transfermanager.Client, bucket, key, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = manager.DownloadObject(ctx, &transfermanager.DownloadObjectInput{Bucket: aws.String(bucket), Key: aws.String(key), WriterAt: file})
	if err != nil {
		return fmt.Errorf("download %s: %w", key, err)
	}
	return file.Close()
}
