// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package hublayout_test

import (
	"io"
	"strings"
	"testing"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/cachetest"
	"github.com/hoist-dev/hoist/cachenode/source/hublayout"
)

// What huggingface_hub does offline: the commit from refs/main, then the file in its snapshot.
func TestSource_FromPretrainedFindsItsWay(t *testing.T) {
	t.Parallel()
	inner := cachetest.NewSource(map[string][]byte{"llama/config.json": []byte("{}"), "llama/a/w.safetensors": []byte("weights")})
	s, err := hublayout.New(inner, "meta-llama/Llama-3.1")
	if err != nil {
		t.Fatal(err)
	}
	ref := cachenode.Ref{Scheme: "s3", Bucket: cachetest.Bucket, Key: "llama/"}
	m, err := s.Resolve(t.Context(), ref, cachenode.Selection{})
	if err != nil {
		t.Fatal(err)
	}
	content := map[string]string{}
	for _, f := range m.Files {
		body, err := s.Open(t.Context(), m.Origin, f, cachenode.Range{Len: f.Size})
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(body)
		if err != nil {
			t.Fatal(err)
		}
		content[f.Path] = string(raw)
		_ = body.Close()
	}
	const root = "hub/models--meta-llama--Llama-3.1/"
	commit := content[root+"refs/main"]
	if len(commit) != 40 || strings.Trim(commit, "0123456789abcdef") != "" || content[root+"snapshots/"+commit+"/config.json"] != "{}" ||
		content[root+"snapshots/"+commit+"/a/w.safetensors"] != "weights" || len(content) != 3 {
		t.Errorf("%q", content)
	}
	plain, err := inner.Resolve(t.Context(), ref, cachenode.Selection{})
	if err != nil {
		t.Fatal(err)
	}
	blobs := map[cachenode.BlobID]bool{}
	for _, f := range append(m.Files, plain.Files...) {
		blobs[m.Blob(f)] = true
	}
	if len(blobs) != 3 || plain.Revision() == m.Revision() {
		t.Errorf("%d blobs, want the two of the model as it is, and the commit", len(blobs))
	}
	inner.Put("llama/config.json", []byte("{ }"))
	if again, err := s.Resolve(t.Context(), ref, cachenode.Selection{}); err != nil || again.Files[0].Source.ETag == m.Files[0].Source.ETag {
		t.Errorf("other bytes have the same commit, %v", err)
	}
}

func TestNew_RefusesWhatIsNoRepository(t *testing.T) {
	t.Parallel()
	for _, repo := range []string{"", "r", "o/r/x", "o/r@v1", "../..", "o/r--x", "o/ r", "o/r/"} {
		if _, err := hublayout.New(cachetest.NewSource(nil), repo); cachenode.KindOf(err) != cachenode.ErrInvalid {
			t.Errorf("%q: %v", repo, err)
		}
	}
}

// The layout changes paths, and keeps the contract of what is below it.
func TestSource_RangesOfTheCommitAreExact(t *testing.T) {
	t.Parallel()
	s, err := hublayout.New(cachetest.NewSource(map[string][]byte{"m/x": []byte("x")}), "o/r")
	if err != nil {
		t.Fatal(err)
	}
	m, err := s.Resolve(t.Context(), cachenode.Ref{Scheme: "s3", Bucket: cachetest.Bucket, Key: "m/"}, cachenode.Selection{})
	if err != nil {
		t.Fatal(err)
	}
	f := m.Files[0] // refs before snapshots
	for _, r := range []cachenode.Range{{Off: -1, Len: 1}, {Off: 0, Len: 41}, {Off: 40, Len: 1}, {Off: 1, Len: 1<<63 - 1}, {Off: 1, Len: -1}} {
		if _, err := s.Open(t.Context(), m.Origin, f, r); err == nil {
			t.Errorf("%+v of %d bytes", r, f.Size)
		}
	}
}
