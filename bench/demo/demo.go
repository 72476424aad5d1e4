// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/dustin/go-humanize"

	"github.com/hoist-dev/hoist/bench/origin"
	"github.com/hoist-dev/hoist/bench/synth"
)

// Config is what a run needs.
type Config struct {
	Hoist    string    // path of the hoist binary
	S3Server string    // path of the versitygw binary
	Size     int64     // bytes of the model
	Dir      string    // where to work; a folder of its own is made in it and removed
	Out      io.Writer // the story and the report
}

// shards is the number of weight files: enough that one changed shard is a small
// part of the model.
const shards = 8

const (
	bucket = "models"
	prefix = "llama-demo/"
	source = "s3://" + bucket + "/" + prefix
)

// Run tells the story and prints the report. Canceling ctx ends it early and
// cleans up all the same.
func Run(ctx context.Context, c Config) error {
	work, err := os.MkdirTemp(c.Dir, "hoist-demo-")
	if err != nil {
		return fmt.Errorf("make a working folder: %w", err)
	}
	defer os.RemoveAll(work)

	s := &story{Config: c, work: work, model: synth.Options{Size: c.Size, Shard: c.Size / shards, Seed: 1}}
	defer s.close()
	for _, step := range []struct {
		title string
		run   func(context.Context) error
	}{
		{"start an S3 server (versitygw, posix) and upload a synthetic " + humanize.IBytes(uint64(c.Size)) + " model", s.prepare},
		{"download, then load, as a storage initializer does", s.baseline},
		{"hoist get, then load", s.cold},
		{"load from the warm cache", s.warm},
		{"publish a second revision with one changed shard, hoist get again", s.revision},
		{"kill -9 in mid-download, then resume", s.resume},
	} {
		_, _ = fmt.Fprintln(c.Out, "• "+step.title)
		if err := step.run(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.title, err)
		}
	}
	s.report.write(c.Out)
	return nil
}

// story carries what one step leaves to the next.
type story struct {
	Config
	work   string
	model  synth.Options
	origin *origin.Origin
	report report
}

func (s *story) dir(name string) string { return filepath.Join(s.work, name) }

func (s *story) close() {
	if s.origin != nil {
		s.origin.Close()
	}
}
