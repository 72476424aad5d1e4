// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package file_test

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/cachetest"
	"github.com/hoist-dev/hoist/cachenode/source/file"
)

func resolve(t *testing.T, src cachenode.Source, uri string, sel cachenode.Selection) (cachenode.Manifest, error) {
	t.Helper()
	ref, err := cachenode.ParseRef(uri)
	if err != nil {
		t.Fatal(err)
	}
	return src.Resolve(t.Context(), ref, sel)
}

// J1: whoever writes the folder gets no file of the reader's.
func TestSource_RefusesWhatIsNoFileOfTheFolder(t *testing.T) {
	t.Parallel()
	secret := newTree(t)
	secret.put("key", []byte("hush"))
	for what, make := range map[string]func(tr *tree){
		"a link out by an absolute path": func(tr *tree) { tr.link(secret.at("key"), "m/x") },
		"a link out by ..":               func(tr *tree) { tr.put("outside", []byte("hush")); tr.link("../outside", "m/x") },
		"a link to a link out":           func(tr *tree) { tr.link(secret.dir, "m/d"); tr.link("d/key", "m/x") },
		"a link to a folder":             func(tr *tree) { tr.put("m/d/y", nil); tr.link("d", "m/x") },
		"a link to nothing":              func(tr *tree) { tr.link("none", "m/x") },
		"a link to itself":               func(tr *tree) { tr.link("x", "m/x") },
		"a pipe":                         func(tr *tree) { tr.put("m/a", nil); tr.must(syscall.Mkfifo(tr.at("m/x"), 0o600)) },
		"a socket": func(tr *tree) {
			tr.put("m/a", nil)
			listener, err := net.Listen("unix", tr.at("m/x"))
			tr.must(err)
			tr.t.Cleanup(func() { _ = listener.Close() })
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			tr := newTree(t)
			make(tr)
			m, err := resolve(t, file.New(), "file://"+tr.at("m")+"/", cachenode.Selection{})
			if cachenode.KindOf(err) != cachenode.ErrUnsafe || !strings.Contains(err.Error(), "/m/") {
				t.Errorf("%d files, %v; want ErrUnsafe with the name", len(m.Files), err)
			}
			tr.put("m/model.safetensors", []byte("weights"))
			m, err = resolve(t, file.New(), "file://"+tr.at("m")+"/", cachenode.Selection{Include: []string{"*.safetensors"}})
			if err != nil || len(m.Files) != 1 {
				t.Errorf("left out it is still in the way: %d files, %v", len(m.Files), err)
			}
		})
	}
}

// The layout of a Hugging Face cache on a shared volume: files are links to blobs.
func TestVolumes_FollowLinksWithinTheVolume(t *testing.T) {
	t.Parallel()
	tr := newTree(t)
	tr.put("hub/models--o--r/blobs/abc", []byte("weights"))
	tr.link("../../blobs/abc", "hub/models--o--r/snapshots/1/model.safetensors")
	src := file.NewVolumes(map[string]string{"weights": tr.dir})
	m, err := resolve(t, src, "pvc://weights/hub/models--o--r/snapshots/1/", cachenode.Selection{})
	if err != nil || len(m.Files) != 1 || m.Files[0].Size != 7 {
		t.Fatalf("%+v, %v", m, err)
	}
	body, err := src.Open(t.Context(), m.Origin, m.Files[0], cachenode.Range{Len: 7})
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if got, err := io.ReadAll(body); err != nil || string(got) != "weights" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := resolve(t, src, "pvc://other/hub/", cachenode.Selection{}); cachenode.KindOf(err) != cachenode.ErrUnsupported || !strings.Contains(err.Error(), "other") {
		t.Errorf("a volume that is not mounted: %v", err)
	}
}

// A5: what is done to a file after it was listed, and while it is read.
func TestSource_AFileThatIsWrittenToIsErrChanged(t *testing.T) {
	t.Parallel()
	content := cachetest.Bytes(1, 3<<20)
	for what, change := range map[string]func(tr *tree){
		"overwritten in place": func(tr *tree) { tr.overwrite("m/x", cachetest.Bytes(2, 3<<20)) },
		"made shorter":         func(tr *tree) { tr.must(os.Truncate(tr.at("m/x"), 5)) },
		"made longer":          func(tr *tree) { tr.must(os.Truncate(tr.at("m/x"), 4<<20)) },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			tr, src := newTree(t), file.New()
			tr.put("m/x", content)
			m, err := resolve(t, src, "file://"+tr.at("m")+"/", cachenode.Selection{})
			if err != nil {
				t.Fatal(err)
			}
			body, err := src.Open(t.Context(), m.Origin, m.Files[0], cachenode.Range{Len: 3 << 20})
			if err != nil {
				t.Fatal(err)
			}
			defer body.Close()
			if _, err := io.ReadFull(body, make([]byte, 1<<20)); err != nil {
				t.Fatalf("before: %v", err)
			}
			change(tr)
			if got, err := io.ReadAll(body); cachenode.KindOf(err) != cachenode.ErrChanged {
				t.Errorf("while it is read: %d more bytes, %v; want ErrChanged", len(got), err)
			}
			if body, err := src.Open(t.Context(), m.Origin, m.Files[0], cachenode.Range{Len: 5}); cachenode.KindOf(err) != cachenode.ErrChanged {
				t.Errorf("opened again: %v, %v; want ErrChanged", body, err)
			}
		})
	}
}

// J1: what was a file when it was listed is a link out, a pipe or a folder when it is opened.
func TestSource_AFileThatIsSwappedIsErrChanged(t *testing.T) {
	t.Parallel()
	secret := newTree(t)
	secret.put("key", []byte("hush"))
	for what, swap := range map[string]func(tr *tree){
		"a link out": func(tr *tree) { tr.link(secret.at("key"), "m/x") },
		"a pipe":     func(tr *tree) { tr.must(syscall.Mkfifo(tr.at("m/x"), 0o600)) },
		"a folder":   func(tr *tree) { tr.must(os.Mkdir(tr.at("m/x"), 0o700)) },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			tr, src := newTree(t), file.New()
			tr.put("m/x", []byte("four"))
			m, err := resolve(t, src, "file://"+tr.at("m")+"/", cachenode.Selection{})
			if err != nil {
				t.Fatal(err)
			}
			tr.must(os.Remove(tr.at("m/x")))
			swap(tr)
			if body, err := src.Open(t.Context(), m.Origin, m.Files[0], cachenode.Range{Len: 4}); !errors.Is(err, cachenode.ErrChanged) {
				t.Errorf("%v, %v; want ErrChanged", body, err)
			}
		})
	}
}

func TestSource_RefusesManifestsThatLeadOut(t *testing.T) {
	t.Parallel()
	tr := newTree(t)
	tr.put("secret", []byte("hush"))
	tr.put("m/x", []byte("four"))
	for _, key := range []string{tr.dir[1:] + "/m/../secret", tr.dir[1:] + "/secret", "../x", ""} {
		o := cachenode.Origin{Scheme: "file", Prefix: tr.dir[1:] + "/m/"}
		f := cachenode.File{Path: "x", Size: 4, Source: cachenode.Identity{Key: key, ETag: `"0-0-0"`}}
		if _, err := file.New().Open(t.Context(), o, f, cachenode.Range{Len: 4}); err == nil {
			t.Errorf("%q was opened", key)
		}
	}
}
