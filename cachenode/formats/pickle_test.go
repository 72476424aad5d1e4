// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package formats_test

import (
	"archive/zip"
	"bytes"
	"testing"

	"github.com/hoist-dev/hoist/cachenode/formats"
)

// archive is a zip of empty files.
func archive(t *testing.T, names ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range names {
		if _, err := w.Create(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// J6: a pickle is a pickle under any name.
func TestInspector_RefusesPicklesByContent(t *testing.T) {
	t.Parallel()
	torch := archive(t, "archive/data.pkl", "archive/version")
	for name, content := range map[string][]byte{
		"protocol 2":               []byte("\x80\x02}q\x00."),
		"protocol 3":               []byte("\x80\x03cos\nsystem\n"),
		"protocol 4":               []byte("\x80\x04\x95\x0e\x00\x00\x00\x00\x00\x00\x00\x8c"),
		"protocol 5":               []byte("\x80\x05\x95\x0e\x00\x00\x00\x00\x00\x00\x00\x8c"),
		"a protocol below 2":       []byte("\x80\x00cos\nsystem\n"),
		"the protocol twice":       []byte("\x80\x02\x80\x02cos\nsystem\n"),
		"bytes first":              []byte("\x80\x03B\x01\x00\x00\x00x0cos\nsystem\n"),
		"old torch":                []byte("\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."),
		"torch":                    torch,
		"torch, not first":         archive(t, "readme", "archive/data.pkl"),
		"torch at the top":         archive(t, "data.pkl"),
		"a script's constants":     archive(t, "code/x.py", "m/constants.PKL"),
		"a zip that is cut":        archive(t, "readme", "archive/data.pkl")[:60],
		"a name that escapes, too": archive(t, "../../x", "archive/data.pkl"),
	} {
		for _, file := range []string{"weights.dat", "config.json", "model.safetensors", "README.md"} {
			if err := judge(t, formats.Inspector{}, file, content); err == nil {
				t.Errorf("%s as %s: taken", name, file)
			}
		}
		if err := judge(t, formats.Inspector{AllowPickle: true}, "weights.dat", content); err != nil {
			t.Errorf("%s, allowed: %v", name, err)
		}
	}
	if err := judge(t, formats.Inspector{}, "assets.zip", archive(t, "a.txt", "b/c.json")); err != nil {
		t.Errorf("a zip without a pickle: %v", err)
	}
}

func FuzzZip(f *testing.F) {
	f.Add([]byte("PK\x03\x04"))
	f.Add([]byte("PK\x05\x06\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, content []byte) {
		_ = judge(t, formats.Inspector{}, "x", content) // no panic, and the promises of judge
	})
}
