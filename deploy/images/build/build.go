// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package build

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Archive compiles the package, from the checkout at root, and writes the image to path as an archive that containerd imports
// and docker loads. reference is what it is called there, such as hoist.dev/hoist:dev.
func (i Image) Archive(ctx context.Context, root, reference, path string) error {
	image, err := i.Build(ctx, root, empty.Image)
	if err != nil {
		return err
	}
	tag, err := name.NewTag(reference)
	if err != nil {
		return fmt.Errorf("image %s: %w", i.Name, err)
	}
	if err := tarball.WriteToFile(path, tag, image); err != nil {
		return fmt.Errorf("write image %s: %w", i.Name, err)
	}
	return nil
}

// Build compiles the package, from the checkout at root, and puts it on a base.
func (i Image) Build(ctx context.Context, root string, base v1.Image) (v1.Image, error) {
	scratch, err := os.MkdirTemp("", "hoist-image-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	binary := filepath.Join(scratch, i.Name)
	if err := i.compile(ctx, root, binary); err != nil {
		return nil, fmt.Errorf("compile image %s: %w", i.Name, err)
	}
	files, err := i.files(binary)
	if err != nil {
		return nil, fmt.Errorf("collect the files of image %s: %w", i.Name, err)
	}
	layer, err := newLayer(files)
	if err != nil {
		return nil, fmt.Errorf("pack image %s: %w", i.Name, err)
	}
	return i.assemble(base, layer)
}

// tags leave to the C library what Go can do itself, and out of the JuiceFS library what needs cgo and what no source of
// ours names: JUICEFS_TAGS of the Makefile.
const tags = "netgo,osusergo,nogspt,nogateway,nowebdav,nohdfs,noibmcos,nobos,noqingstor,nosftp,noswift,noufile,nonfs,nodragonfly,nobadger,nocifs,nostorj,noqiniu,notos,noks3"

func (i Image) compile(ctx context.Context, root, target string) error {
	cgo, tags := "0", tags+",nosqlite" // SQLite is in C
	if i.CGO {
		cgo, tags = "1", strings.TrimSuffix(tags, ",nosqlite")
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-C", root, "-trimpath", "-buildvcs=false", "-tags="+tags, "-ldflags=-s -w", "-o", target, i.Package) //nolint:gosec // ours
	cmd.Env = append(os.Environ(), "CGO_ENABLED="+cgo)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	return nil
}

// files says what lies where in the image.
func (i Image) files(binary string) (map[string]string, error) {
	files := map[string]string{i.entrypoint(): binary}
	if !i.CGO {
		return files, nil
	}
	libraries, err := sharedLibraries(binary)
	if err != nil {
		return nil, err
	}
	for _, library := range libraries {
		files[library] = library
	}
	return files, nil
}

func (i Image) entrypoint() string { return "/usr/local/bin/" + i.Name }

func (i Image) assemble(base v1.Image, layer v1.Layer) (v1.Image, error) {
	image, err := mutate.AppendLayers(base, layer)
	if err != nil {
		return nil, err
	}
	file, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	file = file.DeepCopy()
	file.OS, file.Architecture = "linux", runtime.GOARCH
	file.Config.Entrypoint, file.Config.Cmd = []string{i.entrypoint()}, nil
	file.Config.User = strconv.Itoa(i.User)
	file.Config.WorkingDir = "/"
	file.Config.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	file.Config.Labels = map[string]string{"org.opencontainers.image.title": i.Name, "org.opencontainers.image.licenses": "Apache-2.0"}
	if image, err = mutate.ConfigFile(image, file); err != nil {
		return nil, err
	}
	return mutate.MediaType(image, types.DockerManifestSchema2), nil
}
