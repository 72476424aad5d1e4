// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package csi

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	spec "github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
)

func TestTarget_ThroughASymbolicLinkIsRefused(t *testing.T) {
	t.Parallel()
	r := started(t)
	outside := t.TempDir()
	ask := r.request(t, "web-0", "llama")
	parent := filepath.Dir(ask.GetTargetPath())
	if err := errors.Join(os.Remove(parent), os.Symlink(outside, parent)); err != nil {
		t.Fatal(err)
	}
	_, err := (node{driver: r.driver}).NodePublishVolume(t.Context(), ask)
	wantCode(t, err, codes.InvalidArgument)
	_, err = (node{driver: r.driver}).NodeUnpublishVolume(t.Context(), unrequest(ask))
	wantCode(t, err, codes.InvalidArgument)
	r.holds(t, 0)
	if left, err := os.ReadDir(outside); err != nil || len(left) > 0 {
		t.Fatalf("%v was made outside, %v", left, err)
	}
}

func TestTarget_KubeletFolderMayItselfBeALink(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	r := newRig(t, folder)
	r.driver.Close()
	link := filepath.Join(folder, "link")
	if err := os.Symlink(r.options.PodsRoot, link); err != nil {
		t.Fatal(err)
	}
	real := r.request(t, "web-0", "llama").GetTargetPath() //nolint:revive // the opposite of a link
	r.options.PodsRoot = link
	if err := r.start(); err != nil {
		t.Fatal(err)
	}
	defer func() { r.driver.Close() }()
	for range 2 {
		if _, err := (node{driver: r.driver}).NodePublishVolume(t.Context(), r.request(t, "web-0", "llama")); err != nil {
			t.Fatal(err)
		}
		if mounts, _ := r.world.snapshot(); len(mounts[real]) != 1 {
			t.Fatalf("mounted at %v, which is not as the kernel names it", mounts)
		}
		r.restart(t)
		r.holds(t, 1)
	}
}

func TestTarget_ContentIsNeverRemoved(t *testing.T) {
	t.Parallel()
	r := started(t)
	ask := r.request(t, "web-0", "llama")
	precious := filepath.Join(ask.GetTargetPath(), "file")
	if err := errors.Join(os.Mkdir(ask.GetTargetPath(), 0o750), os.WriteFile(precious, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	_, err := (node{driver: r.driver}).NodeUnpublishVolume(t.Context(), unrequest(ask))
	wantCode(t, err, codes.Internal)
	if _, err := os.Stat(precious); err != nil {
		t.Fatal(err)
	}
}

func TestTarget_PodThatIsGoneIsUnpublished(t *testing.T) {
	t.Parallel()
	r := started(t)
	gone := filepath.Join(r.options.PodsRoot, "uid-gone", "volumes", "kubernetes.io~csi", "weights", "mount")
	if _, err := (node{driver: r.driver}).NodeUnpublishVolume(t.Context(), &spec.NodeUnpublishVolumeRequest{VolumeId: "csi-gone", TargetPath: gone}); err != nil {
		t.Fatal(err)
	}
}

func FuzzTarget(f *testing.F) {
	const root = "/var/lib/kubelet/pods"
	for _, path := range []string{
		root + "/uid/volumes/kubernetes.io~csi/weights/mount", root, root + "/", "", "/", "relative",
		root + "/uid/volumes/kubernetes.io~csi/../mount", root + "/../../x/volumes/kubernetes.io~csi/a/mount",
		root + "//volumes/kubernetes.io~csi/weights/mount", root + "/./volumes/kubernetes.io~csi/weights/mount",
		root + "x/uid/volumes/kubernetes.io~csi/weights/mount", root + "/uid/volumes/kubernetes.io~csi/w\x00/mount",
		root + "/uid/volumes/kubernetes.io~empty-dir/weights/mount", root + "/uid/volumes/kubernetes.io~csi/weights/mount/",
		root + "/../volumes/kubernetes.io~csi/weights/mount",
	} {
		f.Add(path)
	}
	p := &pods{named: root, real: root}
	f.Fuzz(func(t *testing.T, path string) {
		at, err := p.parse(path)
		if err != nil {
			return
		}
		if p.path(at) != path || !filepath.IsLocal(string(at)) {
			t.Fatalf("%q became %q", path, p.path(at))
		}
		parts := strings.Split(strings.TrimPrefix(path, root+"/"), "/")
		if len(parts) != 5 || parts[1] != "volumes" || parts[2] != "kubernetes.io~csi" || parts[4] != "mount" || at.pod() != parts[0] {
			t.Fatalf("%q is no volume of a pod", path)
		}
		for _, part := range parts {
			if part == "" || part == "." || part == ".." {
				t.Fatalf("%q was taken", path)
			}
		}
	})
}
