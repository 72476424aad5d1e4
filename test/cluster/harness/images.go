// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/hoist-dev/hoist/deploy/images/build"
	"github.com/hoist-dev/hoist/test/cluster/toolchain"
)

// testPod is the image that every cluster has: it holds the namespaces of pods, and is what the harness's own tests run.
var testPod = build.Image{Name: "testpod", Package: "./test/cluster/testpod"}

// The references of images that are loaded. They are on no registry, so pods that name them need imagePullPolicy Never or
// IfNotPresent; the latter is the default for a tag that is not latest.
var (
	TestPodImage = Reference(testPod.Name)
	PauseImage   = TestPodImage
)

// Reference is what a pod calls an image of the project.
func Reference(name string) string { return "hoist.dev/" + name + ":dev" }

// LoadImage builds an image of the project as it is in the checkout, and puts it on every node.
func (c *Cluster) LoadImage(ctx context.Context, name string) error {
	image := testPod
	if name != testPod.Name {
		var err error
		if image, err = build.Find(name); err != nil {
			return err
		}
	}
	archive, err := c.buildImage(ctx, image)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	for i := range c.state.Nodes {
		group.Go(func() error { return c.importImage(ctx, i, archive) })
	}
	return group.Wait()
}

func (c *Cluster) buildImage(ctx context.Context, image build.Image) (archive string, err error) {
	root, err := toolchain.Root()
	if err != nil {
		return "", err
	}
	archive = c.archive(image)
	if err := os.MkdirAll(filepath.Dir(archive), 0o755); err != nil {
		return "", err
	}
	return archive, image.Archive(ctx, root, Reference(image.Name), archive)
}

func (c *Cluster) archive(image build.Image) string {
	return filepath.Join(c.dir, "images", image.Name+".tar")
}

func (c *Cluster) importImage(ctx context.Context, i int, archive string) error {
	if _, err := c.ctr(ctx, i, "images", "import", archive); err != nil {
		return fmt.Errorf("import %s on %s: %w", archive, c.state.Nodes[i].Name, err)
	}
	return nil
}

// ctr talks to the containerd of a node, from outside of it.
func (c *Cluster) ctr(ctx context.Context, i int, arguments ...string) (string, error) {
	socket := c.state.Nodes[i].Machine.Path("/run/containerd/containerd.sock")
	cmd := exec.CommandContext(ctx, c.tools.Ctr, append([]string{"--address", socket, "--namespace", "k8s.io"}, arguments...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("ctr %s: %w: %s", arguments[0], err, out)
	}
	return string(out), nil
}
