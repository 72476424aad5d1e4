// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// tool is one way to download everything under a prefix. Each is given settings
// that its documentation recommends for large files, not its defaults, where the
// defaults are made for something else.
type tool struct {
	name   string
	binary string
	args   func(j job) []string
	note   string
	writer bool // downloads nothing: it only writes as many bytes
}

const hoist = "hoist get"

// job is one download.
type job struct {
	endpoint, bucket, prefix string
	keys                     []string
	size                     int64 // bytes of all objects
	dir                      string
}

func (j job) uri() string { return "s3://" + j.bucket + "/" + j.prefix }

func allTools(bin string) []tool {
	return []tool{
		{name: hoist, binary: filepath.Join(bin, "hoist"), note: "verified, fsynced, resumable",
			args: func(j job) []string { return []string{"get", "--quiet", j.uri(), j.dir} }},
		{name: "s5cmd", binary: filepath.Join(bin, "peers", "s5cmd"), note: "32 connections, 16 MiB parts",
			args: func(j job) []string {
				return []string{"--endpoint-url", j.endpoint, "cp", "--concurrency", "32", "--part-size", "16", j.uri() + "*", j.dir + "/"}
			}},
		{name: "rclone", binary: "rclone", note: "16 streams a file, 4 files",
			args: func(j job) []string {
				return []string{"copy", ":s3,provider=Other,env_auth=true,force_path_style=true,endpoint='" + j.endpoint + "':" + j.bucket + "/" + j.prefix,
					j.dir, "--transfers", "4", "--multi-thread-streams", "16", "--multi-thread-cutoff", "64M", "--config", "/dev/null"}
			}},
		{name: "aws s3 cp", binary: "/usr/bin/aws", note: "32 requests, 16 MiB parts",
			args: func(j job) []string {
				return []string{"--endpoint-url", j.endpoint, "s3", "cp", "--quiet", "--recursive", j.uri(), j.dir}
			}},
		{name: "SDK transfermanager", binary: filepath.Join(bin, "peers", "tmget"), note: "ranges, its default concurrency",
			args: func(j job) []string { return []string{j.bucket, j.prefix, j.dir} }},
		{name: "curl", binary: "curl", note: "the floor: a connection a file, 32 at once",
			args: func(j job) []string {
				args := []string{"--silent", "--fail", "--create-dirs", "--no-progress-meter", "--parallel", "--parallel-max", "32"}
				for _, key := range j.keys {
					args = append(args, "--output", filepath.Join(j.dir, filepath.Base(key)), j.endpoint+"/"+j.bucket+"/"+key)
				}
				return args
			}},
		{name: "dd", binary: "dd", writer: true, note: "8 MiB direct writes, one fsync",
			args: func(j job) []string {
				return []string{"if=/dev/zero", "of=" + filepath.Join(j.dir, "zeros"), "bs=8M", "oflag=direct", "conv=fsync", "status=none",
					"count=" + strconv.FormatInt(j.size>>23, 10)}
			}},
	}
}

// available is the tools that are installed; the others are named on stderr.
func available(c config) []tool {
	var tools []tool
	for _, t := range allTools(c.bin) {
		if len(c.only) > 0 && !slices.Contains(c.only, t.name) {
			continue
		}
		if _, err := exec.LookPath(t.binary); err != nil {
			fmt.Fprintf(os.Stderr, "%s is not installed and left out: %v\n", t.name, err)
			continue
		}
		tools = append(tools, t)
	}
	return tools
}

func (t tool) command(ctx context.Context, limit *throttle, j job, awsConfig string) *exec.Cmd {
	binary, args := limit.wrap(t.binary, t.args(j))
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env = append(withoutAWS(os.Environ()),
		"AWS_ENDPOINT_URL_S3="+j.endpoint, "AWS_REGION=us-east-1", "AWS_CONFIG_FILE="+awsConfig,
		"AWS_ACCESS_KEY_ID=bench", "AWS_SECRET_ACCESS_KEY=bench-secret", "AWS_EC2_METADATA_DISABLED=true")
	cmd.Stderr = os.Stderr
	return cmd
}

// awsConfig is the AWS CLI's tuning, which it takes from a file only.
const awsConfig = `[default]
region = us-east-1
s3 =
  max_concurrent_requests = 32
  multipart_threshold = 16MB
  multipart_chunksize = 16MB
`

// withoutAWS drops AWS settings of the caller: they would reach some tools only.
func withoutAWS(env []string) []string {
	return slices.DeleteFunc(env, func(entry string) bool { return strings.HasPrefix(entry, "AWS_") })
}
