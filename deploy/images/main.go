// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Command images builds the project's container images, without docker.
//
//	go run ./deploy/images --output bin/images hoist                        # an archive for docker load or ctr images import
//	go run ./deploy/images --push registry.example.com/team --tag v1 hoist  # to a registry
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/hoist-dev/hoist/deploy/images/build"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "images:", err)
		os.Exit(1)
	}
}

type options struct{ output, push, tag, base, root string }

func run(ctx context.Context, arguments []string, stdout io.Writer) error {
	var o options
	flags := flag.NewFlagSet("images", flag.ContinueOnError)
	flags.StringVar(&o.output, "output", "", "write archives into this `folder`")
	flags.StringVar(&o.push, "push", "", "push to this `repository`, with the credentials of docker login")
	flags.StringVar(&o.tag, "tag", "dev", "`tag` of the images")
	flags.StringVar(&o.base, "base", "", "`image` to build on when pushing, such as gcr.io/distroless/static-debian12; empty for none")
	flags.StringVar(&o.root, "root", ".", "root of the checkout")
	flags.Usage = func() {
		_, _ = fmt.Fprintf(flags.Output(), "Usage: images --output FOLDER | --push REPOSITORY [IMAGE]...\n\nImages: %s; all when none is named.\n\n",
			strings.Join(build.Names(), ", "))
		flags.PrintDefaults()
	}
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if (o.output == "") == (o.push == "") {
		return errors.New("say either --output FOLDER or --push REPOSITORY")
	}
	names := flags.Args()
	if len(names) == 0 {
		names = build.Names()
	}
	for _, image := range names {
		definition, err := build.Find(image)
		if err != nil {
			return err
		}
		made, err := o.make(ctx, definition)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintln(stdout, made); err != nil {
			return err
		}
	}
	return nil
}

// make builds one image and says where it is.
func (o options) make(ctx context.Context, image build.Image) (string, error) {
	if o.push != "" {
		return o.publish(ctx, image)
	}
	if err := os.MkdirAll(o.output, 0o750); err != nil {
		return "", err
	}
	path := filepath.Join(o.output, image.Name+".tar")
	return path, image.Archive(ctx, o.root, "hoist.dev/"+image.Name+":"+o.tag, path)
}

func (o options) publish(ctx context.Context, image build.Image) (string, error) {
	reference, err := name.NewTag(o.push + "/" + image.Name + ":" + o.tag)
	if err != nil {
		return "", err
	}
	base, err := o.baseImage(ctx)
	if err != nil {
		return "", err
	}
	built, err := image.Build(ctx, o.root, base)
	if err != nil {
		return "", err
	}
	if err := remote.Write(reference, built, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)); err != nil {
		return "", fmt.Errorf("push %s: %w", reference, err)
	}
	digest, err := built.Digest()
	return reference.Context().Digest(digest.String()).String(), err
}

func (o options) baseImage(ctx context.Context) (v1.Image, error) {
	if o.base == "" {
		return empty.Image, nil
	}
	reference, err := name.ParseReference(o.base)
	if err != nil {
		return nil, err
	}
	base, err := remote.Image(reference, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain))
	if err != nil {
		return nil, fmt.Errorf("get the base %s: %w", reference, err)
	}
	return base, nil
}
