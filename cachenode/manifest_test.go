// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cachenode_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hoist-dev/hoist/cachenode"
)

var update = flag.Bool("update", false, "write golden files instead of comparing them")

func someOrigin() cachenode.Origin {
	return cachenode.Origin{Scheme: "s3", Endpoint: "http://minio:9000", Bucket: "models", Prefix: "llama/"}
}

func someFiles() []cachenode.File {
	return []cachenode.File{
		{Path: "model-00002.safetensors", Size: 20 << 20, Parts: []int64{16 << 20, 4 << 20}, Source: cachenode.Identity{Key: "llama/model-00002.safetensors", ETag: `"b-2"`,
			VersionID: "v7", Checksum: cachenode.Checksum{Algorithm: "SHA256", Composite: true, Value: "qqo="}}},
		{Path: "config.json", Size: 2, Source: cachenode.Identity{Key: "llama/config.json", ETag: `"a<&>"`}},
		{Path: "model-00001.safetensors", Size: 7, Source: cachenode.Identity{Key: "llama/model-00001.safetensors", ETag: `"c"`,
			Checksum: cachenode.Checksum{Algorithm: "CRC64NVME", Value: "rosUhgp5mIg="}}},
	}
}

// A8: the encoding that revisions are digests of never changes by accident.
func TestManifest_CanonicalEncodingIsGolden(t *testing.T) {
	t.Parallel()
	m, err := cachenode.NewManifest(someOrigin(), someFiles())
	if err != nil {
		t.Fatal(err)
	}
	got := append(m.Canonical(), "\n"+string(m.Revision())+"\n"...)
	const golden = "testdata/canonical.golden"
	if *update {
		if err := errors.Join(os.MkdirAll("testdata", 0o750), os.WriteFile(golden, got, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("every revision in the world would change (-want +got):\n%s", diff)
	}
}

// A8: equal sets of files have equal revisions, in whatever order they were listed and
// whatever was found out about their parts; any other difference makes another one.
func TestManifest_RevisionIsOfTheBytesAlone(t *testing.T) {
	t.Parallel()
	base, err := cachenode.NewManifest(someOrigin(), someFiles())
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		files := rapid.Permutation(someFiles()).Draw(t, "order")
		for i := range files {
			if rapid.Bool().Draw(t, "parts unknown") {
				files[i].Parts = nil
			}
		}
		m, err := cachenode.NewManifest(someOrigin(), files)
		if err != nil || m.Revision() != base.Revision() {
			t.Fatalf("%v, %v", m.Revision(), err)
		}
	})
	changes := map[string]func(o *cachenode.Origin, f *cachenode.File){
		"path":      func(_ *cachenode.Origin, f *cachenode.File) { f.Path = "other" },
		"size":      func(_ *cachenode.Origin, f *cachenode.File) { f.Size++ },
		"etag":      func(_ *cachenode.Origin, f *cachenode.File) { f.Source.ETag = `"z"` },
		"version":   func(_ *cachenode.Origin, f *cachenode.File) { f.Source.VersionID = "z" },
		"key":       func(_ *cachenode.Origin, f *cachenode.File) { f.Source.Key = "z" },
		"checksum":  func(_ *cachenode.Origin, f *cachenode.File) { f.Source.Checksum.Value = "zz" },
		"algorithm": func(_ *cachenode.Origin, f *cachenode.File) { f.Source.Checksum.Algorithm = "CRC32" },
		"composite": func(_ *cachenode.Origin, f *cachenode.File) { f.Source.Checksum.Composite = true },
		"bucket":    func(o *cachenode.Origin, _ *cachenode.File) { o.Bucket = "z" },
		"endpoint":  func(o *cachenode.Origin, _ *cachenode.File) { o.Endpoint = "z" },
		"scheme":    func(o *cachenode.Origin, _ *cachenode.File) { o.Scheme = "z" },
	}
	revisions, blobs := map[cachenode.Revision]string{base.Revision(): "nothing"}, map[cachenode.BlobID]string{}
	blobs[base.Blob(someFiles()[2])] = "nothing"
	for what, change := range changes {
		o, files := someOrigin(), someFiles()
		change(&o, &files[2])
		m, err := cachenode.NewManifest(o, files)
		if err != nil {
			t.Fatal(err)
		}
		if same, ok := revisions[m.Revision()]; ok {
			t.Errorf("a change of %s and of %s have one revision", what, same)
		}
		revisions[m.Revision()] = what
		if same, ok := blobs[m.Blob(files[2])]; ok && what != "path" {
			t.Errorf("a change of %s and of %s have one blob", what, same)
		}
		blobs[m.Blob(files[2])] = what
	}
}

func TestManifest_BlobsAreSharedAcrossPrefixes(t *testing.T) {
	t.Parallel()
	f := someFiles()[0]
	one, two := cachenode.Manifest{Origin: someOrigin()}, cachenode.Manifest{Origin: someOrigin()}
	two.Origin.Prefix = ""
	g := f
	g.Path, g.Parts = "llama/"+f.Path, nil
	if one.Blob(f) != two.Blob(g) {
		t.Error("one object seen from two prefixes is two blobs")
	}
}

// A new commit of a repository is a new revision, and no reason to fetch what it did not touch.
func TestManifest_BlobsAreSharedAcrossCommits(t *testing.T) {
	t.Parallel()
	f := someFiles()[0]
	one, two := cachenode.Manifest{Origin: someOrigin(), Files: []cachenode.File{f}}, cachenode.Manifest{Origin: someOrigin(), Files: []cachenode.File{f}}
	two.Origin.Commit = "4f1c"
	if one.Revision() == two.Revision() || one.Blob(f) != two.Blob(f) {
		t.Errorf("revisions %s, %s; blobs %s, %s", one.Revision(), two.Revision(), one.Blob(f), two.Blob(f))
	}
	if got := two.Origin.String(); got != "s3://models@4f1c/llama/" {
		t.Errorf("its origin is %s", got)
	}
}

func TestManifest_EncodesAndDecodes(t *testing.T) {
	t.Parallel()
	m, err := cachenode.NewManifest(someOrigin(), someFiles())
	if err != nil {
		t.Fatal(err)
	}
	got, err := cachenode.DecodeManifest(bytes.NewReader(m.Encode()))
	if err != nil || !cmp.Equal(got, m) || m.Bytes() != 20<<20+9 {
		t.Errorf("decoded %+v, %v", got, err)
	}
	for _, raw := range []string{"", "{", "[]", `{"version":1,"files":[]}`, strings.Replace(string(m.Encode()), `"version":1`, `"version":2`, 1), string(m.Encode()) + "{}", strings.Replace(string(m.Encode()), "config.json", "../../etc", 1)} {
		if _, err := cachenode.DecodeManifest(strings.NewReader(raw)); cachenode.KindOf(err) == nil {
			t.Errorf("DecodeManifest(%.40q) = %v", raw, err)
		}
	}
}

func TestManifest_RefusesWhatCanBeNoDirectory(t *testing.T) {
	t.Parallel()
	at := func(path string, size int64, parts ...int64) cachenode.File {
		return cachenode.File{Path: path, Size: size, Parts: parts}
	}
	for name, test := range map[string]struct {
		files []cachenode.File
		kind  error
	}{
		"no files":           {nil, cachenode.ErrInvalid},
		"negative size":      {[]cachenode.File{at("a", -1)}, cachenode.ErrInvalid},
		"more than a disk":   {[]cachenode.File{at("a", 1<<50), at("b", 1)}, cachenode.ErrInvalid},
		"overflow":           {[]cachenode.File{at("a", 1<<62), at("b", 1<<62), at("c", 1<<62)}, cachenode.ErrInvalid},
		"parts too short":    {[]cachenode.File{at("a", 5, 2, 2)}, cachenode.ErrInvalid},
		"parts too long":     {[]cachenode.File{at("a", 5, 2, 4)}, cachenode.ErrInvalid},
		"an empty part":      {[]cachenode.File{at("a", 5, 5, 0)}, cachenode.ErrInvalid},
		"an ETag of no text": {[]cachenode.File{{Path: "a", Source: cachenode.Identity{ETag: "\"\xff\""}}}, cachenode.ErrInvalid},
		"escape":             {[]cachenode.File{at("../a", 1)}, cachenode.ErrUnsafe},
		"twice":              {[]cachenode.File{at("a", 1), at("a", 1)}, cachenode.ErrUnsafe},
		"case clash":         {[]cachenode.File{at("Model.bin", 1), at("model.bin", 1)}, cachenode.ErrUnsafe},
		"file and directory": {[]cachenode.File{at("a", 1), at("a/b", 1)}, cachenode.ErrUnsafe},
		"case of directory":  {[]cachenode.File{at("A/b/c", 1), at("a/B", 1)}, cachenode.ErrUnsafe},
	} {
		if _, err := cachenode.NewManifest(someOrigin(), test.files); !errors.Is(err, test.kind) {
			t.Errorf("%s: %v, want %v", name, err, test.kind)
		}
	}
	unsorted := cachenode.Manifest{Origin: someOrigin(), Files: slices.Clone(someFiles())}
	if err := unsorted.Validate(); !errors.Is(err, cachenode.ErrInvalid) {
		t.Errorf("unsorted: %v", err)
	}
}

func TestRevision_IsSafeAsAFileName(t *testing.T) {
	t.Parallel()
	m := cachenode.Manifest{Origin: someOrigin()}
	rev := m.Revision()
	if got, err := cachenode.ParseRevision(string(rev)); err != nil || got != rev || len(rev.Hex()) != 64 || len(rev.Short()) != 12 {
		t.Errorf("ParseRevision(%q) = %q, %v", rev, got, err)
	}
	for _, bad := range []string{"", "sha256:", "sha256:../../x", rev.Hex(), string(rev) + "0", strings.ToUpper(string(rev)), "sha512:" + rev.Hex()} {
		if _, err := cachenode.ParseRevision(bad); !errors.Is(err, cachenode.ErrInvalid) {
			t.Errorf("ParseRevision(%q) = %v", bad, err)
		}
	}
	if _, err := cachenode.ParseBlobID("../" + rev.Hex()[3:]); !errors.Is(err, cachenode.ErrInvalid) {
		t.Errorf("ParseBlobID of a path = %v", err)
	}
}

func FuzzDecodeManifest(f *testing.F) {
	m, err := cachenode.NewManifest(someOrigin(), someFiles())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(m.Encode())
	f.Add([]byte(`{"version":1,"origin":{"scheme":"s3"},"files":[{"path":"a","size":1}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := cachenode.DecodeManifest(bytes.NewReader(raw))
		if err != nil {
			return
		}
		again, err := cachenode.DecodeManifest(bytes.NewReader(m.Encode()))
		if err != nil || again.Revision() != m.Revision() || m.Bytes() < 0 {
			t.Errorf("%q decodes to a manifest that does not survive: %v", raw, err)
		}
	})
}
