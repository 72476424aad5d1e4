// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package build

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

const root = "../../.."

func TestImages_EachNamesAPackageThatThereIs(t *testing.T) {
	t.Parallel()
	for _, name := range Names() {
		image, err := Find(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(root, image.Package, "main.go")); err != nil {
			t.Errorf("image %s: %v", name, err)
		}
	}
	if _, err := Find("nosuch"); err == nil {
		t.Error("an image that there is not was found")
	}
}

// Images hold no files of time zones: what reads hours, which have zones, brings them.
func TestImages_KnowTimeZones(t *testing.T) {
	t.Parallel()
	for _, image := range images {
		cmd := exec.CommandContext(t.Context(), "go", "list", "-C", root, "-deps", "-tags="+tags, image.Package)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", cmd, err)
		}
		packages := strings.Fields(string(out))
		if slices.Contains(packages, "github.com/hoist-dev/hoist/api/crontab") && !slices.Contains(packages, "time/tzdata") {
			t.Errorf("image %s: %s does not import time/tzdata", image.Name, image.Package)
		}
	}
}

// program is an image of a program small enough to compile in a test.
func program(t *testing.T, cgo bool) Image {
	t.Helper()
	code := "package main\n\nfunc main() { println(\"hello\") }\n"
	if cgo {
		code = "package main\n\n// #include <stdio.h>\nimport \"C\"\n\nfunc main() { C.puts(C.CString(\"hello\")) ; C.fflush(C.stdout) }\n"
	}
	dir := t.TempDir()
	for name, content := range map[string]string{"main.go": code, "go.mod": "module hello\n\ngo 1.26\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Image{Name: "hello", Package: dir, CGO: cgo, User: nobody}
}

func TestImage_ArchiveIsTheSameEachTime(t *testing.T) {
	t.Parallel()
	image := program(t, false)
	var digests []string
	for range 2 {
		path := filepath.Join(t.TempDir(), "hello.tar")
		if err := image.Archive(t.Context(), image.Package, "hoist.dev/hello:dev", path); err != nil {
			t.Fatal(err)
		}
		loaded, err := tarball.ImageFromPath(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		digest, err := loaded.ConfigName()
		if err != nil {
			t.Fatal(err)
		}
		digests = append(digests, digest.String())
	}
	if digests[0] != digests[1] {
		t.Errorf("built twice: %s and %s", digests[0], digests[1])
	}
}

func TestImage_RunsAsNobodyByDefault(t *testing.T) {
	t.Parallel()
	image := program(t, false)
	built, err := image.Build(t.Context(), image.Package, empty.Image)
	if err != nil {
		t.Fatal(err)
	}
	config, err := built.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if config.Config.User != "65532" || !cmp.Equal(config.Config.Entrypoint, []string{"/usr/local/bin/hello"}) {
		t.Errorf("user %q, entry point %q", config.Config.User, config.Config.Entrypoint)
	}
}

// A program that uses the C library runs where there is none but the image's own.
func TestRoot_ImageWithCGOBringsItsLibraries(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		if os.Getenv("HOIST_REQUIRE_ROOT_TESTS") != "" {
			t.Fatal("needs root, for chroot")
		}
		t.Skip("needs root, for chroot")
	}
	image := program(t, true)
	built, err := image.Build(t.Context(), image.Package, empty.Image)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	extract := exec.Command("tar", "-x", "-C", dir)
	flat := mutate.Extract(built)
	defer flat.Close()
	extract.Stdin = flat
	if out, err := extract.CombinedOutput(); err != nil {
		t.Fatalf("extract: %v: %s", err, out)
	}
	out, err := exec.Command("chroot", dir, "/usr/local/bin/hello").CombinedOutput()
	if err != nil || string(out) != "hello\n" {
		t.Errorf("in its own root: %q, %v", out, err)
	}
}
