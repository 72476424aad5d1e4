// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/hoist-dev/hoist/bench/initializer"
	"github.com/hoist-dev/hoist/bench/origin"
	"github.com/hoist-dev/hoist/bench/pagecache"
	"github.com/hoist-dev/hoist/bench/synth"
)

func (s *story) prepare(ctx context.Context) error {
	var err error
	if s.origin, err = origin.Start(ctx, origin.Config{Server: s.S3Server, Dir: s.dir("s3"), Bucket: bucket}); err != nil {
		return err
	}
	return s.publish(ctx, nil)
}

// publish uploads the model as s.model describes it, or only the files named.
func (s *story) publish(ctx context.Context, only map[string]bool) error {
	_, err := s.origin.Publish(ctx, prefix, s.dir("staging"), s.model, only)
	return err
}

func (s *story) baseline(ctx context.Context) error {
	dir := s.dir("baseline")
	defer os.RemoveAll(dir)
	start := time.Now()
	if _, err := initializer.Download(ctx, s.origin.Client(), bucket, prefix, dir); err != nil {
		return err
	}
	got := time.Since(start)
	loaded, err := load(ctx, dir)
	s.report.add(row{name: "storage initializer", get: got, load: loaded, fetched: s.Size, note: "no fsync, no checksum"})
	return err
}

func (s *story) cold(ctx context.Context) error {
	sum, took, err := s.get(ctx, s.dir("model"))
	if err != nil {
		return err
	}
	loaded, err := load(ctx, s.dir("model"))
	s.report.add(row{name: "hoist get", get: took, load: loaded, fetched: sum.Fetched, note: "verified and durable"})
	return err
}

func (s *story) warm(ctx context.Context) error {
	if err := pagecache.Drop(s.dir("model")); err != nil {
		return err
	}
	disk, err := load(ctx, s.dir("model"))
	if err != nil {
		return err
	}
	ram, err := load(ctx, s.dir("model"))
	s.report.add(row{name: "warm cache, from SSD", load: disk}, row{name: "warm cache, from page cache", load: ram})
	return err
}

func (s *story) revision(ctx context.Context) error {
	s.model.Revision++
	changed := map[string]bool{}
	for _, path := range synth.Changed(s.model) {
		changed[path] = true
	}
	if err := s.publish(ctx, changed); err != nil {
		return err
	}
	sum, took, err := s.get(ctx, s.dir("model"))
	if err != nil {
		return err
	}
	loaded, err := load(ctx, s.dir("model"))
	s.report.add(row{name: "second revision", get: took, load: loaded, fetched: sum.Fetched,
		note: fmt.Sprintf("%d of %d shards changed", len(changed), shards)})
	return err
}

func (s *story) resume(ctx context.Context) error {
	dir := s.dir("resumed")
	before, err := s.getAndKill(ctx, dir)
	if err != nil {
		return err
	}
	sum, took, err := s.get(ctx, dir)
	if err != nil {
		return err
	}
	loaded, err := load(ctx, dir)
	s.report.add(row{name: "killed, then resumed", get: took, load: loaded, fetched: sum.Fetched,
		note: "kill -9 after " + humanize.IBytes(uint64(before))})
	return err
}
