// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package origin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/source/file"
	"github.com/hoist-dev/hoist/cachenode/source/hf"
	"github.com/hoist-dev/hoist/cachenode/source/hublayout"
	"github.com/hoist-dev/hoist/cachenode/source/s3"
)

// Options are what all sources of a process have in common.
type Options struct {
	MaxConnections int     // idle connections kept for each host; 0 is each kind's own
	Profile        string  // AWS profile
	Volumes        Volumes // that pvc:// reads
	Log            *slog.Logger

	// Local lets sources read files of this machine: what a person on it may, and nobody who writes a Model.
	Local bool
}

// kind is one kind of origin.
type kind struct {
	required, optional []string // keys of a Secret
	open               func(ctx context.Context, o Options, a Access) (cachenode.Source, error)
}

// kinds are those that this build has, by the schemes of their URIs.
func kinds() map[string]kind {
	all := map[string]kind{
		"s3":              {[]string{accessKeyID, secretAccessKey}, []string{sessionToken}, openS3},
		hf.Scheme:         {[]string{hubToken}, nil, openHub},
		file.Scheme:       {nil, nil, openFiles},
		file.VolumeScheme: {nil, nil, openVolumes},
	}
	for scheme := range stores() {
		all[scheme] = kind{all["s3"].required, all["s3"].optional, openStore}
	}
	maps.Copy(all, juiceFS())
	return all
}

// Schemes are those of the URIs that this build reads, sorted.
func Schemes() []string { return slices.Sorted(maps.Keys(kinds())) }

// Open makes the source of the kind that a names. A kind that this build does not have, or that is not for Models, is
// ErrUnsupported.
func (o Options) Open(ctx context.Context, a Access) (cachenode.Source, error) {
	k, ok := kinds()[a.Scheme]
	if !ok {
		return nil, unsupported(a.Scheme, "this build has no source for it", fmt.Sprintf("it reads %v; builds with the tag nojuicefs lack juicefs and az", Schemes()))
	}
	source, err := k.open(ctx, o, a)
	if err != nil || a.Repo == "" {
		return source, err
	}
	return hublayout.New(source, a.Repo)
}

func openS3(ctx context.Context, o Options, a Access) (cachenode.Source, error) {
	return s3.New(ctx, s3Config(o, a))
}

func s3Config(o Options, a Access) s3.Config {
	c := s3.Config{Endpoint: a.Endpoint, Region: a.Region, Profile: o.Profile, Anonymous: a.Anonymous, MaxConnections: o.MaxConnections, Logger: o.Log}
	if a.Secret != nil {
		c.Keys = &s3.Keys{AccessKeyID: a.Secret[accessKeyID], SecretAccessKey: a.Secret[secretAccessKey], SessionToken: a.Secret[sessionToken]}
	}
	return c
}

func openHub(_ context.Context, o Options, a Access) (cachenode.Source, error) {
	c := hf.Config{Endpoint: a.Endpoint, Token: a.Secret[hubToken], MaxConnections: o.MaxConnections, Logger: o.Log}
	c = c.WithEnvironment()
	if a.Anonymous {
		c.Token = ""
	}
	return hf.New(c)
}

func openFiles(_ context.Context, o Options, _ Access) (cachenode.Source, error) {
	if !o.Local {
		return nil, unsupported(file.Scheme, "a Model may not read the files of a node", "mount the volume and say pvc://claim/path")
	}
	return file.New(), nil
}

func openVolumes(_ context.Context, o Options, a Access) (cachenode.Source, error) {
	return file.NewVolumes(o.Volumes.open(a.Namespace)), nil
}

func unsupported(scheme, why, hint string) error {
	return &cachenode.Error{Kind: cachenode.ErrUnsupported, Op: "open", Subject: scheme + "://", Err: errors.New(why), Hint: hint}
}
