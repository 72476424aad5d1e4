// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/agent"
	"github.com/hoist-dev/hoist/cachenode/agent/origin"
	"github.com/hoist-dev/hoist/cachenode/disk"
	"github.com/hoist-dev/hoist/cachenode/fetch"
	"github.com/hoist-dev/hoist/cachenode/formats"
)

// getOptions are the flags of hoist get.
type getOptions struct {
	sel       cachenode.Selection
	access    origin.Access
	profile   string
	fetch     agent.FetchConfig
	warm      bool
	overwrite bool
	json      bool
	quiet     bool
}

func newGet() *cobra.Command {
	o := getOptions{fetch: agent.FetchConfig{Buffers: 256 << 20}}
	cmd := &cobra.Command{
		Use:   "get URI DIR",
		Short: "Download a model into a directory, or bring a copy up to date",
		Long: `Download a model into a directory, or bring a copy up to date.

Every file appears under its name whole, verified against the checksums that the source has and durable, or
not at all. What a run leaves unfinished the next one resumes. Run again, it fetches what changed
and removes the files that it put there and that left the model; files of others are not touched.

A prefix is a directory: s3://models/llama-7b takes llama-7b/..., never llama-7b-hf/....

  hoist get s3://models/llama3-8b/ /data/llama3-8b
  hoist get hf://Qwen/Qwen3-8B@main ./qwen3-8b
  hoist get file:///mnt/share/llama3-8b/ /data/llama3-8b
  hoist get s3://models/llama3-8b/ ./llama3-8b --exclude '*.bin' --bandwidth 500MiB
  AWS_ENDPOINT_URL_S3=http://minio:9000 hoist get s3://models/tiny/ ./tiny --json

` + exitHelp,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd, args[0], args[1]) },
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.sel.Include, "include", nil, "take only files that match this pattern; may be given again")
	f.StringArrayVar(&o.sel.Exclude, "exclude", nil, "leave out files that match this pattern; may be given again")
	f.BoolVar(&o.sel.AllowPickle, "allow-pickle", false, "take files that can run code when they are loaded (.bin, .pt, .ckpt, .pkl)")
	f.BoolVar(&o.warm, "warm", false, "leave the bytes in the page cache, for a loader that reads them next")
	f.BoolVar(&o.overwrite, "overwrite", false, "replace files in DIR that are not from an earlier get")
	f.BoolVar(&o.json, "json", false, "progress as JSON lines on stderr, a summary on stdout")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no progress")
	f.Var(&o.fetch.Buffers, "buffers", "memory for bytes on their way: the more, the more connections")
	f.Var(&o.fetch.Bandwidth, "bandwidth", "the most to download in a second; 0 is no cap")
	f.IntVar(&o.fetch.MaxConnections, "connections", 0, "the most connections; 0 is as many as the buffers allow")
	f.StringVar(&o.access.Endpoint, "endpoint", "", "endpoint URL, before AWS_ENDPOINT_URL_S3 or HF_ENDPOINT; HF_TOKEN is not sent there")
	f.StringVar(&o.access.Region, "region", "", "AWS region, before AWS_REGION; found out if not given")
	f.StringVar(&o.profile, "profile", "", "AWS profile, before AWS_PROFILE")
	f.BoolVar(&o.access.Anonymous, "anonymous", false, "use no credentials: public buckets and repositories")
	return cmd
}

func (o *getOptions) run(cmd *cobra.Command, uri, path string) (err error) {
	log, err := logger(cmd)
	if err != nil {
		return err
	}
	ref, err := cachenode.ParseRef(uri)
	if err != nil {
		return err
	}
	if err := o.sel.Validate(); err != nil {
		return err
	}
	o.access.Scheme = ref.Scheme
	source, err := origin.Options{MaxConnections: o.fetch.MaxConnections, Profile: o.profile, Local: true, Log: log}.Open(cmd.Context(), o.access)
	if err != nil {
		return err
	}
	dir, err := disk.OpenDir(path, disk.DirOptions{Overwrite: o.overwrite, Logger: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	scheduler, err := newScheduler(o.fetch, nil, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, scheduler.Close()) }()

	request := fetch.Request{Source: source, Store: dir, Ref: ref, Select: o.sel, Priority: cachenode.Bulk,
		Inspector: formats.Inspector{AllowPickle: o.sel.AllowPickle}, Progress: new(fetch.Progress)}
	if o.warm {
		request.Priority = cachenode.StartingPod
	}
	start := time.Now()
	m, err := o.watch(cmd.Context(), cmd.ErrOrStderr(), scheduler, request)
	if err != nil {
		return err
	}
	return o.summarize(cmd.OutOrStdout(), m, request.Progress.Snapshot(), path, time.Since(start))
}

// watch downloads and shows how far it is.
func (o *getOptions) watch(ctx context.Context, stderr io.Writer, scheduler *fetch.Scheduler, r fetch.Request) (cachenode.Manifest, error) {
	defer newMeter(stderr, o.json, o.quiet).start(ctx, r.Progress.Snapshot)()
	return scheduler.Ensure(ctx, r)
}

// getSummary is what hoist get --json prints to stdout.
type getSummary struct {
	Revision       cachenode.Revision `json:"revision"`
	Files          int                `json:"files"`
	Bytes          int64              `json:"bytes"`        // of the model
	Fetched        int64              `json:"bytesFetched"` // from the origin by this run
	Seconds        float64            `json:"seconds"`
	BytesPerSecond int64              `json:"bytesPerSecond"`
	Path           string             `json:"path"`
}

func (o *getOptions) summarize(w io.Writer, m cachenode.Manifest, p fetch.Snapshot, path string, took time.Duration) error {
	fetched := p.Fetched
	s := getSummary{Revision: m.Revision(), Files: len(m.Files), Bytes: m.Bytes(), Fetched: fetched, Seconds: took.Seconds(),
		BytesPerSecond: int64(float64(fetched) / took.Seconds()), Path: path}
	var err error
	switch {
	case o.json:
		err = json.NewEncoder(w).Encode(s)
	case o.quiet:
	case fetched == 0:
		_, err = fmt.Fprintf(w, "%s is up to date: %d files, %s, revision %s\n", path, s.Files, humanize.IBytes(uint64(s.Bytes)), s.Revision.Short())
	default:
		_, err = fmt.Fprintf(w, "%s: %d files, %s, revision %s; fetched %s in %.1f s (%s/s)\n", path, s.Files, humanize.IBytes(uint64(s.Bytes)),
			s.Revision.Short(), humanize.IBytes(uint64(fetched)), s.Seconds, humanize.IBytes(uint64(s.BytesPerSecond)))
	}
	return err
}
