// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/hoist-dev/hoist/bench/origin"
	"github.com/hoist-dev/hoist/bench/result"
	"github.com/hoist-dev/hoist/bench/synth"
	"github.com/hoist-dev/hoist/cachenode"
)

// bench is one benchmark that is going on.
type bench struct {
	Config
	work           string
	origin         *origin.Origin // nil with a Source
	s3             *s3.Client
	environment    []string
	bucket, prefix string
	bytes          int64 // of the model's files
	files          int
	pulled         int64             // bytes that the last fetch took from the Source, as who fetched them tells
	versions       map[string]string // of the tools of scenarios, by the scenarios' names
	mounted        *mounted          // by a peer; nil is none
	volume         bool              // JuiceFS has a volume with the model
	kept           *peer             // whose cache there is, with all of the model; nil is nobody's
}

func newBench(ctx context.Context, c Config) (*bench, error) {
	work, err := os.MkdirTemp(c.Dir, "hoist-bench-")
	if err != nil {
		return nil, fmt.Errorf("make a working folder: %w", err)
	}
	b := &bench{Config: c, work: work, bucket: "models", prefix: c.Model.Name + "/", versions: map[string]string{}}
	if c.Source != "" {
		err = b.useSource(ctx)
	} else {
		err = b.makeOrigin(ctx)
	}
	if err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *bench) close() {
	_ = b.unmount()
	if b.origin != nil {
		b.origin.Close()
	}
	_ = os.RemoveAll(b.work)
}

func (b *bench) makeOrigin(ctx context.Context) error {
	size := b.Size
	if size == 0 {
		size = b.Model.Bytes
	}
	b.step("start an S3 server and upload %.1f GB", float64(size)/1e9)
	var err error
	if b.origin, err = origin.Start(ctx, origin.Config{Server: b.Server, Dir: b.dir("s3"), Bucket: b.bucket, Road: b.Road}); err != nil {
		return err
	}
	b.s3, b.environment = b.origin.Client(), b.origin.Environment()
	files, err := b.origin.Publish(ctx, b.prefix, b.dir("staging"), synth.Options{Size: size, Shard: (size + int64(b.Model.Shards) - 1) / int64(b.Model.Shards), Seed: 1}, nil)
	for _, f := range files {
		b.bytes += f.Size
	}
	b.files = len(files)
	return err
}

func (b *bench) useSource(ctx context.Context) error {
	ref, err := cachenode.ParseRef(b.Source)
	if err != nil {
		return err
	}
	if ref.Scheme != "s3" || ref.VersionID != "" {
		return fmt.Errorf("%s: a model of one's own comes from s3://bucket/prefix/", b.Source)
	}
	loaded, err := config.LoadDefaultConfig(ctx, config.WithDefaultRegion("us-east-1"))
	if err != nil {
		return fmt.Errorf("find credentials: %w", err)
	}
	b.s3 = s3.NewFromConfig(loaded, func(o *s3.Options) { // as hoist get
		o.UsePathStyle = aws.ToString(o.BaseEndpoint) != ""
		o.DisableLogOutputChecksumValidationSkipped = true
	})
	b.environment, b.bucket, b.prefix = os.Environ(), ref.Bucket, ref.Key
	if !ref.Dir() {
		b.prefix += "/" // of s3://models/llama hoist get takes the directory, and not llama-hf/ beside it
	}
	pages := s3.NewListObjectsV2Paginator(b.s3, &s3.ListObjectsV2Input{Bucket: &b.bucket, Prefix: &b.prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list %s: %w", b.Source, err)
		}
		for _, object := range page.Contents {
			b.bytes += *object.Size
			b.files++
		}
	}
	if b.files == 0 {
		return fmt.Errorf("there is nothing below %s: name the directory of a model, as s3://bucket/prefix/", b.source())
	}
	return nil
}

// source is where the model is, as hoist get takes it.
func (b *bench) source() string { return "s3://" + b.bucket + "/" + b.prefix }

// chosen are the scenarios to run, in their own order, and those of peers that can't be.
func (b *bench) chosen(ctx context.Context) (chosen []*scenario, not []result.NotRun) {
	for i := range scenarios {
		if len(b.Scenarios) == 0 || slices.Contains(b.Scenarios, scenarios[i].name) {
			chosen = append(chosen, &scenarios[i])
		}
	}
	for i := range peers {
		s := &peers[i]
		if !b.Peers && !slices.Contains(b.Scenarios, s.name) {
			continue
		}
		if why := b.install(ctx, s); why != "" {
			not = append(not, result.NotRun{Name: s.name, Reason: why})
			continue
		}
		chosen = append(chosen, s)
	}
	return chosen, not
}

func (b *bench) run(ctx context.Context) (result.Result, error) {
	r := result.Result{Version: result.Version, Kind: result.Local, Made: time.Now().UTC().Truncate(time.Second), Command: b.Command, Hoist: b.Version,
		Machine: machine(b.work), Settings: b.settings(), Model: result.Model{Name: b.Model.Name, Bytes: b.bytes, Files: b.files, Synthetic: b.Source == ""}}
	if b.Source != "" {
		r.Model.Name = b.Source
	} else if b.bytes < b.Model.Bytes*9/10 {
		r.Model.Name += " (scaled)"
	}
	var chosen []*scenario
	chosen, r.NotRun = b.chosen(ctx)
	if len(chosen) == 0 {
		var why []string
		for _, n := range r.NotRun {
			why = append(why, n.Name+": "+n.Reason)
		}
		return r, fmt.Errorf("none of the scenarios can be run: %s", strings.Join(why, "; "))
	}
	if err := b.keepCopies(ctx, chosen); err != nil {
		return r, err
	}
	for _, s := range chosen {
		line := result.Scenario{Name: s.name, What: s.what, Baseline: s.baseline}
		if s.peer != nil {
			line.Tool, line.Command = b.versions[s.name], s.peer.shown()
		}
		r.Scenarios = append(r.Scenarios, line)
	}
	for round := range b.Runs {
		for i, s := range chosen {
			b.step("round %d of %d: %s", round+1, b.Runs, s.name)
			run, err := b.start(ctx, s)
			if err != nil {
				return r, fmt.Errorf("%s: %w", s.name, err)
			}
			r.Scenarios[i].Runs = append(r.Scenarios[i].Runs, run)
		}
	}
	return r, nil
}

// keepCopies makes the copies that scenarios begin with.
func (b *bench) keepCopies(ctx context.Context, chosen []*scenario) error {
	for _, folder := range []string{"warm", "plain"} {
		if !slices.ContainsFunc(chosen, func(s *scenario) bool { return s.folder == folder || folder == "plain" && s.peer.copies() }) {
			continue
		}
		b.step("put a copy on the disk: %s", folder)
		if err := b.get(ctx, b.dir(folder)); err != nil {
			return err
		}
		if folder == "plain" {
			if err := os.RemoveAll(filepath.Join(b.dir(folder), ".hoist")); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *bench) clear(folder string) error {
	return errors.Join(os.RemoveAll(b.dir(folder)), os.MkdirAll(b.dir(folder), 0o755))
}

// readAll brings every file below dir into memory.
func (b *bench) readAll(ctx context.Context, dir string) error {
	return filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{f}, make([]byte, 1<<20))
		return err
	})
}

func atMost(n int64) string  { return "<= " + strconv.FormatInt(n, 10) }
func atLeast(n int64) string { return ">= " + strconv.FormatInt(n, 10) }
