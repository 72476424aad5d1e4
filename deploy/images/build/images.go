// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package build makes the project's container images, without docker: one binary on a base, as reproducible as the binary.
//
// The same definitions serve users, who push them to a registry on a base of their choice, and tests, which import them as an
// archive into containerd and need no base at all.
package build

import (
	"fmt"
	"slices"
	"strings"
)

// Image says what an image is made of.
type Image struct {
	// Name is the last part of its reference.
	Name string
	// Package is the main package, relative to the root of the checkout.
	Package string
	// CGO has the binary linked against the C library of the computer that builds it. It is then copied into the image together
	// with what it needs, so it runs on any base, also on none.
	CGO bool
	// User is the number that its process runs as.
	User int
}

// nobody is the user of images that need no rights: the number that distroless images call nonroot.
const nobody = 65532

// Images are all there are.
var images = []Image{
	{Name: "hoist", Package: "./cmd/hoist", User: nobody},
	{Name: "hoist-agent", Package: "./cmd/hoist-agent", CGO: true}, // for NVML; root: it owns the cache and mounts
	{Name: "hoist-controller", Package: "./cmd/hoist-controller", User: nobody},
	{Name: "simserver", Package: "./bench/simserver", User: nobody},
}

// Find gives the definition of an image by its name.
func Find(name string) (Image, error) {
	i := slices.IndexFunc(images, func(image Image) bool { return image.Name == name })
	if i < 0 {
		return Image{}, fmt.Errorf("no image is called %q; there are: %s", name, strings.Join(Names(), ", "))
	}
	return images[i], nil
}

// Names lists the images.
func Names() []string {
	var names []string
	for _, image := range images {
		names = append(names, image.Name)
	}
	return names
}
