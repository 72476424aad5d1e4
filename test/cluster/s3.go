// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hoist-dev/hoist/bench/synth"
	"github.com/hoist-dev/hoist/test/cluster/harness"
	"github.com/hoist-dev/hoist/test/s3test/versity"
)

var errNoS3 = errors.New("the cluster has no S3 server: start it with up --s3")

func newS3Command(name *string) *cobra.Command {
	return &cobra.Command{
		Use:   "s3",
		Short: "Print how to reach the S3 server, for eval",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := harness.Attach(cmd.Context(), *name)
			if err != nil {
				return err
			}
			s3 := c.S3()
			if s3.Endpoint == "" {
				return errNoS3
			}
			fmt.Fprintf(cmd.OutOrStdout(), "export AWS_ENDPOINT_URL=%s AWS_REGION=%s AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s\n",
				s3.Endpoint, s3.Region, s3.AccessKey, s3.SecretKey)
			return nil
		},
	}
}

func newPutModelCommand(name *string) *cobra.Command {
	var mebibytes, shard int64
	cmd := &cobra.Command{
		Use:   "put-model BUCKET/PREFIX/",
		Short: "Put a synthetic model into the S3 server: the shape of a Llama, the bytes of nothing",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, arguments []string) error {
			bucketName, prefix, _ := strings.Cut(arguments[0], "/")
			if prefix != "" && !strings.HasSuffix(prefix, "/") {
				return fmt.Errorf("%q: end the prefix with /", arguments[0])
			}
			c, err := harness.Attach(cmd.Context(), *name)
			if err != nil {
				return err
			}
			s3 := c.S3()
			if s3.Endpoint == "" {
				return errNoS3
			}
			bucket, err := versity.MakeBucket(cmd.Context(), s3.Endpoint,
				versity.Config{Region: s3.Region, AccessKey: s3.AccessKey, SecretKey: s3.SecretKey}, bucketName, http.DefaultClient)
			if err != nil {
				return err
			}
			files, err := synth.Plan(synth.Options{Size: mebibytes << 20, Shard: shard << 20, Seed: 1})
			if err != nil {
				return err
			}
			for _, file := range files {
				var content bytes.Buffer
				if _, err := file.WriteTo(&content); err != nil {
					return err
				}
				if err := bucket.Put(cmd.Context(), prefix+file.Path, content.Bytes()); err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "s3://%s/%s%s\n", bucketName, prefix, file.Path)
			}
			return nil
		},
	}
	cmd.Flags().Int64Var(&mebibytes, "size", 256, "of all weights, in MiB")
	cmd.Flags().Int64Var(&shard, "shard", 64, "of each file of weights, in MiB")
	return cmd
}
