// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fakegpu_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hoist-dev/hoist/test/cluster/fakegpu"
)

func TestParse_ReadsWhatEncodeWrote(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := states().Draw(t, "state")
		text, err := s.Encode()
		if err != nil {
			t.Fatal(err)
		}
		read, err := fakegpu.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(s, read); diff != "" {
			t.Fatalf("read other than was written:\n%s", diff)
		}
	})
}

func TestParse_ErrorNamesTheLine(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"nothing":              {"", "line 1"},
		"no driver":            {"device 0 GPU-a 10 1 H100\n", "line 1"},
		"two drivers":          {"driver 1\ndriver 2\n", "line 2"},
		"cut short":            {"driver 1\ndevice 0 GPU-a 10 1 H100", "line 2"},
		"empty line":           {"driver 1\n\n", "line 2"},
		"no name":              {"driver 1\ndevice 0 GPU-a 10 1\n", "line 2"},
		"carriage return":      {"driver 1\ndevice 0 GPU-a 10 1 H100\r\n", "line 2"},
		"index skipped":        {"driver 1\ndevice 1 GPU-a 10 1 H100\n", "line 2"},
		"reserved beyond all":  {"driver 1\ndevice 0 GPU-a 10 11 H100\n", "line 2"},
		"number too large":     {"driver 1\ndevice 0 GPU-a 9223372036854775808 1 H100\n", "line 2"},
		"number with a plus":   {"driver 1\ndevice 0 GPU-a +10 1 H100\n", "line 2"},
		"UUID twice":           {"driver 1\ndevice 0 GPU-a 10 1 H100\ndevice 1 GPU-a 10 1 H100\n", "line 3"},
		"process of no device": {"driver 1\nprocess 0 7 1\n", "line 2"},
		"process out of place": {"driver 1\ndevice 0 GPU-a 10 1 H\ndevice 1 GPU-b 10 1 H\nprocess 0 7 1\n", "line 4"},
		"process holds none":   {"driver 1\ndevice 0 GPU-a 10 1 H100\nprocess 0 7 0\n", "line 3"},
		"process twice":        {"driver 1\ndevice 0 GPU-a 10 1 H100\nprocess 0 7 1\nprocess 0 7 1\n", "line 4"},
		"more than there is":   {"driver 1\ndevice 0 GPU-a 10 1 H100\nprocess 0 7 9\nprocess 0 8 1\n", "line 4"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := fakegpu.Parse([]byte(c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("want an error that names %s, got %v", c.want, err)
			}
		})
	}
}

func TestEncode_RefusesTextThatWouldReadAsAnotherLine(t *testing.T) {
	t.Parallel()
	devices := fakegpu.Devices("node", 1, "H100\nprocess 0 1 1", gib)
	if text, err := (fakegpu.State{DriverVersion: "570.0", Devices: devices}).Encode(); err == nil {
		t.Errorf("encoded a name of two lines:\n%s", text)
	}
}

func TestWriteFile_ReaderNeverSeesAPart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	small := fakegpu.State{DriverVersion: "570.0"}
	large := fakegpu.State{DriverVersion: "570.0", Devices: fakegpu.Devices("node", 16, strings.Repeat("x", 79), gib)}
	if err := fakegpu.WriteFile(path, small); err != nil {
		t.Fatal(err)
	}
	written := make(chan error, 1)
	go func() {
		for range 200 {
			for _, s := range []fakegpu.State{large, small} {
				if err := fakegpu.WriteFile(path, s); err != nil {
					written <- err
					return
				}
			}
		}
		written <- nil
	}()
	for {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		s, err := fakegpu.Parse(text)
		if err != nil || (len(s.Devices) != 0 && len(s.Devices) != 16) {
			t.Fatalf("saw %d devices, error %v:\n%s", len(s.Devices), err, text)
		}
		select {
		case err := <-written:
			if err != nil {
				t.Fatal(err)
			}
			left, err := os.ReadDir(filepath.Dir(path))
			if err != nil || len(left) != 1 {
				t.Errorf("the folder holds %v, error %v, want the state alone", left, err)
			}
			return
		default:
		}
	}
}

// What can be read is what Encode writes, so the text has one form, which the library knows too.
func FuzzParse(f *testing.F) {
	f.Add([]byte("driver 570.0\ndevice 0 GPU-a 100 10 NVIDIA H100 80GB\nprocess 0 12 30\nprocess 0 13 60\n"))
	f.Add([]byte("driver 570.0\ndevice 0 GPU-a -1 00 H\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := fakegpu.Parse(text)
		if err != nil {
			return
		}
		again, err := s.Encode()
		if err != nil || !bytes.Equal(again, text) {
			t.Fatalf("read %q, which is written as %q, error %v", text, again, err)
		}
	})
}
