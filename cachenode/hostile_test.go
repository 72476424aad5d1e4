// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cachenode_test

import (
	"bytes"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hoist-dev/hoist/cachenode"
)

// J5: a URI that carries a secret is refused, and the secret is not repeated, however
// else the URI is wrong.
func FuzzParseRef_KeepsSecrets(f *testing.F) {
	for _, around := range [][2]string{
		{"s3://AKIA:", "@b/x"}, {"S3://AKIA:", "@b/x"}, {"s3:/AKIA:", "@b/x"}, {"AKIA:", "@b/x"}, {"//AKIA:", "@b"}, {"s3://", "@b"}, {"s3:///AKIA:", "@b/x"}, {"\x00://AKIA:", "@b/x"},
		{"https://b.s3.amazonaws.com/x?X-Amz-Credential=AKIA&X-Amz-Signature=", ""}, {"s3://b/x?x-amz-security-token=", "&a=b"}, {"HTTPS://b/x?X-Amz-Signature=", ""},
		{"s3://b?X-Amz-Signature=", "/x"}, {"https://b?X-Amz-Security-Token=", ""}, {"https://b.s3.amazonaws.com/x?AWSAccessKeyId=AKIA&Signature=", ""},
	} {
		f.Add(around[0], around[1])
	}
	const secret = "wJalrXUtnFEMI"
	f.Fuzz(func(t *testing.T, before, after string) {
		uri := before + secret + after
		_, rest, ok := strings.Cut(uri, "://")
		authority, _, _ := strings.Cut(strings.TrimLeft(rest, "/"), "/")
		userinfo := strings.Contains(authority, secret) && strings.Contains(authority, "@") || !ok && strings.Contains(uri, "@")
		query := strings.ToLower(before)
		if !userinfo && !strings.Contains(query, "x-amz-signature=") && !strings.Contains(query, "x-amz-security-token=") && !strings.Contains(query, "awsaccesskeyid=") {
			return // no secret, just a word
		}
		if strings.HasPrefix(uri, "file:///") {
			return // a path has no place for one
		}
		_, err := cachenode.ParseRef(uri)
		if err == nil {
			t.Error("it was taken")
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("the error repeats it: %v", err)
		}
	})
}

// J1: each way to be hostile, at the front, in the middle and at the end of a path.
func TestCleanKey_RefusesHostilityAnywhere(t *testing.T) {
	t.Parallel()
	names := []string{"", ".", "..", "...", "\u2024\u2024", "\u2025", "\uff0e.", "a\\b", "..\\..", "a\x00", "\x7f", "a\u0080", "a\u202e", "\u200f", "\ufeff", "\u2028", "\xc0\xae\xc0\xae", "\xed\xa0\x80", " ", " a", "a\t", "a\u3000", "\u00a0", strings.Repeat("é", 128), strings.Repeat("x", 256)}
	places := []string{"%", "%/a", "a/%", "a/%/b", "a/b/%", "%/%", "a/%/../b", "日本/%", "%/.hoist/x", strings.Repeat("d/", 100) + "%", "%" + strings.Repeat("/d", 100), "../%"}
	tried := 0
	for _, name := range names {
		for _, place := range places {
			key := strings.ReplaceAll(place, "%", name)
			if got, err := cachenode.CleanKey(key); cachenode.KindOf(err) != cachenode.ErrUnsafe || got != "" {
				t.Errorf("CleanKey(%q) = %q, %v", key, got, err)
			}
			tried++
		}
	}
	if tried < 300 {
		t.Errorf("%d keys, fewer than promised", tried)
	}
}

// J1: whatever strings.EqualFold takes for one name is one name on some disk.
func TestManifest_RefusesNamesThatDifferInCaseOnly(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		pair := rapid.SampledFrom([][2]string{{"a", "A"}, {"s", "ſ"}, {"k", "\u212a"}, {"σ", "ς"}, {"µ", "μ"}, {"Ǆ", "ǅ"}}).Draw(t, "pair")
		rest := rapid.SampledFrom([]string{"", "x", "/x", "/X/y"}).Draw(t, "rest")
		files := []cachenode.File{{Path: "d/" + pair[0] + rest}, {Path: "d/" + pair[1] + strings.ToLower(rest)}}
		if _, err := cachenode.NewManifest(someOrigin(), files); !errors.Is(err, cachenode.ErrUnsafe) {
			t.Fatalf("%q and %q: %v, want ErrUnsafe", files[0].Path, files[1].Path, err)
		}
	})
}

// A8: nothing is lost on the way to a disk and back.
func TestManifest_AnyManifestSurvivesEncoding(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z0-9<>&é ]{1,12}`), 1, 8, strings.TrimSpace).Draw(t, "names")
		var files []cachenode.File
		for _, name := range names {
			if _, err := cachenode.CleanKey(name); err != nil {
				continue
			}
			file := cachenode.File{Path: name, Source: cachenode.Identity{Key: rapid.String().Draw(t, "key"), ETag: rapid.StringMatching(`"[ -~]{0,40}"`).Draw(t, "etag"), VersionID: rapid.StringMatching(`[A-Za-z0-9._-]{0,32}`).Draw(t, "version")}}
			for _, n := range rapid.SliceOfN(rapid.Int64Range(1, 1<<40), 0, 4).Draw(t, "parts") {
				file.Size += n
				file.Parts = append(file.Parts, n)
			}
			files = append(files, file)
		}
		if len(files) == 0 {
			t.Skip("no name is clean")
		}
		m, err := cachenode.NewManifest(someOrigin(), files)
		if err != nil {
			t.Fatal(err)
		}
		got, err := cachenode.DecodeManifest(bytes.NewReader(m.Encode()))
		if diff := cmp.Diff(m, got); err != nil || diff != "" || got.Revision() != m.Revision() {
			t.Fatalf("%v (-want +got):\n%s", err, diff)
		}
		slices.Reverse(files)
		if again, err := cachenode.NewManifest(someOrigin(), files); err != nil || again.Revision() != m.Revision() {
			t.Fatalf("in another order: %v, %v", again.Revision(), err)
		}
	})
}

// J1: a list of millions of nothings is refused before it becomes memory.
func TestDecodeManifest_HostileListStaysSmall(t *testing.T) { //nolint:paralleltest // it measures the whole process
	raw := `{"version":1,"origin":{},"files":[` + strings.Repeat("{},", 2_800_000) + `{}]}` // 8 MiB
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := cachenode.DecodeManifest(strings.NewReader(raw))
	runtime.ReadMemStats(&after)
	if !errors.Is(err, cachenode.ErrInvalid) {
		t.Errorf("%v, want ErrInvalid", err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 160<<20 {
		t.Errorf("%d MiB were allocated for %d MiB", used>>20, len(raw)>>20)
	}
}
