// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package formats_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/formats"
)

// file is a safetensors file with this header and n bytes behind it.
func file(header string, n int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), make([]byte, n)...)
}

// judge asks for both verdicts and makes sure that Head refuses nothing that Whole takes.
func judge(t testing.TB, inspector formats.Inspector, name string, content []byte) error {
	t.Helper()
	f := cachenode.File{Path: name, Size: int64(len(content))}
	whole := inspector.Whole(f, bytes.NewReader(content))
	if whole != nil && cachenode.KindOf(whole) != cachenode.ErrUnsafe {
		t.Errorf("%s: Whole() = %v, want nil or ErrUnsafe", name, whole)
	}
	for _, n := range []int{len(content), len(content) / 2, min(len(content), 9)} {
		if err := inspector.Head(f, content[:n]); err != nil && whole == nil {
			t.Errorf("%s: Head() of %d bytes = %v, Whole() took it", name, n, err)
		}
	}
	return whole
}

func TestInspector_TakesHonestSafetensors(t *testing.T) {
	t.Parallel()
	for name, content := range map[string][]byte{
		"no tensors":               file(`{}`, 0),
		"one":                      file(`{"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}`, 24),
		"a scalar":                 file(`{"a":{"dtype":"F64","shape":[],"data_offsets":[0,8]}}`, 8),
		"an empty tensor":          file(`{"a":{"dtype":"F64","shape":[0,7],"data_offsets":[0,0]}}`, 0),
		"empty between others":     file(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"e":{"dtype":"U8","shape":[0],"data_offsets":[2,2]},"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}`, 3),
		"not in order":             file(`{"b":{"dtype":"BF16","shape":[1],"data_offsets":[4,6]},"a":{"dtype":"I32","shape":[1],"data_offsets":[0,4]}}`, 6),
		"padded":                   file(`{"a":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}}        `, 1),
		"metadata":                 file(`{"__metadata__":{"format":"pt","n":"1"},"a":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}}`, 1),
		"no metadata":              file(`{"__metadata__":null}`, 0),
		"packed":                   file(`{"a":{"dtype":"F4","shape":[4],"data_offsets":[0,2]},"b":{"dtype":"F6_E2M3","shape":[4],"data_offsets":[2,5]}}`, 5),
		"a field of the future":    file(`{"a":{"dtype":"U8","shape":[1],"stride":[[1]],"data_offsets":[0,1]}}`, 1),
		"a length like a pickle's": file(`{`+strings.Repeat(" ", 0x280280-2)+`}`, 0), // 80 02 28
	} {
		if err := judge(t, formats.Inspector{}, "dir/Model.SafeTensors", content); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// J6: headers that lie.
func TestInspector_RefusesLyingSafetensors(t *testing.T) {
	t.Parallel()
	tensor := func(dtype, shape, offsets string) string {
		return `{"a":{"dtype":"` + dtype + `","shape":` + shape + `,"data_offsets":` + offsets + `}}`
	}
	length := func(n uint64) []byte { return binary.LittleEndian.AppendUint64(nil, n) }
	for name, content := range map[string][]byte{
		"empty file":              nil,
		"seven bytes":             make([]byte, 7),
		"length without header":   length(10),
		"length beyond the file":  append(length(100), "{}"...),
		"100 MB and a byte":       append(length(100_000_001), make([]byte, 64)...),
		"length that is negative": append(length(1<<63), "{}"...),
		"no header":               file("", 0),
		"no JSON":                 file("hello, world", 0),
		"an array":                file("[]", 0),
		"two objects":             file("{}{}", 0),
		"junk behind":             file("{} x", 0),
		"a zero behind":           file("{}\x00", 0),
		"cut JSON":                file(`{"a":{"dtype":"U8"`, 0),
		"unknown type":            file(tensor("F13", "[1]", "[0,1]"), 1),
		"no type":                 file(`{"a":{"shape":[1],"data_offsets":[0,1]}}`, 1),
		"no shape":                file(`{"a":{"dtype":"U8","data_offsets":[0,1]}}`, 1),
		"no offsets":              file(`{"a":{"dtype":"U8","shape":[0]}}`, 0),
		"two types":               file(`{"a":{"dtype":"U8","dtype":"I8","shape":[1],"data_offsets":[0,1]}}`, 1),
		"two shapes":              file(`{"a":{"dtype":"U8","shape":[],"shape":[1],"data_offsets":[0,1]}}`, 1),
		"two offsets":             file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,9],"data_offsets":[0,1]}}`, 1),
		"shape too large":         file(tensor("U8", "[2]", "[0,1]"), 1),
		"shape that overflows":    file(tensor("U8", "[4294967296,4294967296]", "[0,0]"), 0),
		"65 dimensions":           file(tensor("U8", "["+strings.Repeat("1,", 64)+"1]", "[0,1]"), 1),
		"negative shape":          file(tensor("U8", "[-1]", "[0,1]"), 1),
		"fractional shape":        file(tensor("U8", "[1.0]", "[0,1]"), 1),
		"shape of strings":        file(tensor("U8", `["1"]`, "[0,1]"), 1),
		"half a byte":             file(tensor("F4", "[1]", "[0,1]"), 1),
		"backward offsets":        file(tensor("U8", "[1]", "[1,0]"), 1),
		"three offsets":           file(tensor("U8", "[1]", "[0,1,1]"), 1),
		"offsets beyond the file": file(tensor("U8", "[9]", "[0,9]"), 1),
		"a hole at the start":     file(tensor("U8", "[1]", "[1,2]"), 2),
		"bytes at the end":        file(tensor("U8", "[1]", "[0,1]"), 2),
		"a hole":                  file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}`, 3),
		"an overlap":              file(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}`, 3),
		"a name twice":            file(`{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 1),
		"a name twice, escaped":   file(`{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"\u0061":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 1),
		"metadata of numbers":     file(`{"__metadata__":{"n":1}}`, 0),
		"metadata of lists":       file(`{"__metadata__":[]}`, 0),
		"tensor of text":          file(`{"a":"b"}`, 0),
		"nested without end":      file(`{"a":{"x":`+strings.Repeat("[", 200)+strings.Repeat("]", 200)+`,"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 1),
		"a name without end":      file(`{"`+strings.Repeat("x", 20<<20)+`":null}`, 0),
		"a pickle":                []byte("\x80\x04\x95\x0e\x00\x00\x00\x00\x00\x00\x00\x8c\x02os"),
	} {
		err := judge(t, formats.Inspector{}, "model.safetensors", content)
		if err == nil {
			t.Errorf("%s: taken", name)
		} else if !strings.Contains(err.Error(), "model.safetensors") || len(err.Error()) > 600 {
			t.Errorf("%s: the error names no file, or is too long: %v", name, err)
		}
		f := cachenode.File{Path: "model.safetensors", Size: int64(len(content))}
		if err := (formats.Inspector{}).Head(f, content); cachenode.KindOf(err) != cachenode.ErrUnsafe {
			t.Errorf("%s: Head() of all of it = %v, want ErrUnsafe", name, err)
		}
	}
}

// A header that lies is refused by its first bytes: before the download, not after it.
func TestInspector_HeadRefusesEarly(t *testing.T) {
	t.Parallel()
	lie := file(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,1]},"b":{`+strings.Repeat(" ", 8<<20)+`}}`, 0)
	f := cachenode.File{Path: "x.safetensors", Size: int64(len(lie))}
	if err := (formats.Inspector{}).Head(f, lie[:4<<20]); cachenode.KindOf(err) != cachenode.ErrUnsafe {
		t.Errorf("Head() = %v, want ErrUnsafe", err)
	}
}

// What the beginning of a file gets it refused for, all of it gets it refused for too,
// wherever the beginning ends and whatever byte was damaged.
func TestInspector_HeadRefusesNothingThatWholeTakes(t *testing.T) {
	t.Parallel()
	good := file(`{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[],"data_offsets":[8,9]}}   `, 9)
	rapid.Check(t, func(t *rapid.T) {
		content := slices.Clone(good)
		for range rapid.IntRange(0, 2).Draw(t, "damages") {
			content[rapid.IntRange(0, len(content)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		}
		f := cachenode.File{Path: rapid.SampledFrom([]string{"m.safetensors", "m.safetensors.index.json", "m.gguf", "m.dat"}).Draw(t, "name"), Size: int64(len(content))}
		inspector := formats.Inspector{AllowPickle: rapid.Bool().Draw(t, "allow pickle")}
		whole := inspector.Whole(f, bytes.NewReader(content))
		head := inspector.Head(f, content[:rapid.IntRange(9, len(content)).Draw(t, "head")])
		if head != nil && whole == nil {
			t.Fatalf("Head() = %v, Whole() took it", head)
		}
		if all := inspector.Head(f, content); (all == nil) != (whole == nil) {
			t.Fatalf("Head() of all of it = %v, Whole() = %v", all, whole)
		}
	})
}

func TestInspector_JudgesIndexes(t *testing.T) {
	t.Parallel()
	for content, ok := range map[string]bool{
		`{"metadata":{"total_size":10},"weight_map":{"a":"model-00001-of-00002.safetensors","b":"sub/x.safetensors"}}`: true,
		`{"weight_map":{}}`: true,
		` { "x":[{"y":[1,null,true]}], "weight_map":{} } `:    true,
		`{"weight_map":{"a":"../../etc/passwd"}}`:             false,
		`{"weight_map":{"a":"/etc/passwd"}}`:                  false,
		`{"weight_map":{"a":"x\u0000"}}`:                      false,
		`{"weight_map":{"a":"b\\c"}}`:                         false,
		`{"weight_map":{"a":""}}`:                             false,
		`{"weight_map":{"a":1}}`:                              false,
		`{"weight_map":["a"]}`:                                false,
		`{"weight_map":{"a":"ok"},"weight_map":{"a":"../x"}}`: false,
		`{"metadata":{}}`:                                     false,
		`{"weight_map":{}`:                                    false,
		`{"weight_map":{}} {}`:                                false,
		`[]`:                                                  false,
		``:                                                    false,
	} {
		if err := judge(t, formats.Inspector{}, "model.safetensors.index.json", []byte(content)); (err == nil) != ok {
			t.Errorf("%s: %v", content, err)
		}
	}
}

func TestInspector_KnowsGGUFByItsMagic(t *testing.T) {
	t.Parallel()
	if err := judge(t, formats.Inspector{}, "m.gguf", []byte("GGUF\x03\x00\x00\x00")); err != nil {
		t.Error(err)
	}
	for _, content := range []string{"", "GGU", "GGML\x01\x00\x00\x00", "<html>"} {
		if err := judge(t, formats.Inspector{}, "m.gguf", []byte(content)); err == nil {
			t.Errorf("%q: taken", content)
		}
	}
}

func TestInspector_LeavesOtherFilesAlone(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"config.json": "not even JSON", "empty": "", "a.txt": "cat\ndog\n", "tokenizer.model": "\x0a\x0e\x0a\x05<unk>", "b.dat": "\x80\x02\x00\x00",
	} {
		if err := judge(t, formats.Inspector{}, name, []byte(content)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A bad disk is not a bad file: Whole hands a failed read on.
func TestInspector_WholeReturnsReadFailures(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"x.safetensors", "x.safetensors.index.json", "x.dat"} {
		err := formats.Inspector{}.Whole(cachenode.File{Path: name, Size: 1000}, broken{})
		if cachenode.KindOf(err) != cachenode.ErrDisk {
			t.Errorf("%s: %v, want ErrDisk", name, err)
		}
	}
}

type broken struct{}

func (broken) ReadAt([]byte, int64) (int, error) {
	return 0, &cachenode.Error{Kind: cachenode.ErrDisk, Op: "read", Err: errors.New("input/output error")}
}

// J6: at most 128 MiB, whatever the header says.
func TestInspector_MemoryStaysBounded(t *testing.T) { //nolint:paralleltest // it measures the whole process
	if testing.Short() {
		t.Skip("it reads 600 MB of JSON")
	}
	for name, entry := range map[string]string{
		"many tensors":  `"t000000000000000000000000000000000000000":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},`,
		"long names":    `"t000000000` + strings.Repeat("n", 4<<20) + `":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},`,
		"long unknowns": `"t000000000":{"` + strings.Repeat("n", 4<<20) + `":"` + strings.Repeat("v", 4<<20) + `"},`,
		"deep nesting":  `"t000000000":{"x":` + strings.Repeat("[", 99_000_000),
		"deep objects":  `"t000000000":{"x":` + strings.Repeat(`{"":`, 24_000_000),
		"one long name": `"t000000000` + strings.Repeat("n", 90_000_000) + `":{},`,
	} {
		h := newHugeHeader(entry)
		f := cachenode.File{Path: "x.safetensors", Size: h.size}
		err := formats.Inspector{}.Whole(f, h)
		if err != nil && cachenode.KindOf(err) != cachenode.ErrUnsafe {
			t.Errorf("%s: %v", name, err)
		}
		if h.peak > 64<<20 { // half of the promise: what is gone before the next look is not seen
			t.Errorf("%s: %d MiB were in use", name, h.peak>>20)
		}
		t.Logf("%s: %d MiB at most, %.200v", name, h.peak>>20, err)
	}
}

// hugeHeader is a safetensors file with a header of almost 100 MB that is made while it
// is read: one entry again and again, with a number in its name.
type hugeHeader struct {
	start  []byte
	entry  []byte
	count  int64
	size   int64
	idle   uint64 // heap before
	peak   int64  // heap above that
	toLook int64  // bytes until the next look at the heap
}

const hugeEnd = `"__metadata__":{}}`

func newHugeHeader(entry string) *hugeHeader {
	h := &hugeHeader{entry: []byte(entry), count: 99_999_000 / int64(len(entry))}
	h.size = 9 + h.count*int64(len(entry)) + int64(len(hugeEnd))
	h.start = append(binary.LittleEndian.AppendUint64(nil, uint64(h.size-8)), '{')
	h.idle = heap()
	return h
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func (h *hugeHeader) ReadAt(p []byte, off int64) (int, error) {
	if h.toLook -= int64(len(p)); h.toLook < 0 {
		h.toLook = 5 << 20
		h.peak = max(h.peak, int64(heap())-int64(h.idle))
	}
	n := 0
	for n < len(p) && off+int64(n) < h.size {
		n += h.copy(p[n:], off+int64(n))
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// copy copies a run of what is at off.
func (h *hugeHeader) copy(p []byte, off int64) int {
	body := off - int64(len(h.start))
	switch {
	case body < 0:
		return copy(p, h.start[off:])
	case body >= h.count*int64(len(h.entry)):
		return copy(p, hugeEnd[body-h.count*int64(len(h.entry)):])
	}
	which, at := body/int64(len(h.entry)), int(body%int64(len(h.entry)))
	n := copy(p, h.entry[at:])
	for i, place := 10, int64(1); i > 1; i, place = i-1, place*10 { // "t000000000
		if i >= at && i < at+n {
			p[i-at] = byte('0' + which/place%10)
		}
	}
	return n
}

// FuzzSafetensors: nothing panics, Head refuses nothing that Whole takes, and what
// Whole takes covers its file when it is read in the plainest way.
func FuzzSafetensors(f *testing.F) {
	for _, header := range []string{
		`{}`, `{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, `{"__metadata__":{"a":"b"}}`, `{"a":{}}`, `[`, `{"a":`,
		`{"a":{"dtype":"F4","shape":[2],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`,
	} {
		f.Add(file(header, 1))
		f.Add(file(header, 0))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		if judge(t, formats.Inspector{}, "x.safetensors", content) != nil {
			return
		}
		n := binary.LittleEndian.Uint64(content)
		var header map[string]struct {
			Offsets []int64 `json:"data_offsets"`
		}
		raw := bytes.ReplaceAll(content[8:8+n], []byte(`"__metadata__"`), []byte(`"`+strings.Repeat("_", 12)+`"`))
		if err := json.Unmarshal(raw, &header); err != nil {
			return // metadata of strings
		}
		var sum int64
		for _, tensor := range header {
			if len(tensor.Offsets) == 2 {
				sum += tensor.Offsets[1] - tensor.Offsets[0]
			}
		}
		if sum != int64(len(content))-8-int64(n) {
			t.Errorf("tensors of %d bytes in a file with %d", sum, int64(len(content))-8-int64(n))
		}
	})
}

func FuzzIndex(f *testing.F) {
	f.Add([]byte(`{"metadata":{"total_size":10},"weight_map":{"a":"b"}}`))
	f.Add([]byte(`{"weight_map":{"a":"../b"}}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		if judge(t, formats.Inspector{}, "model.safetensors.index.json", content) != nil {
			return
		}
		var index struct {
			WeightMap map[string]string `json:"weight_map"`
		}
		if err := json.Unmarshal(content, &index); err != nil {
			return
		}
		for _, name := range index.WeightMap {
			if _, err := cachenode.CleanKey(name); err != nil || slices.Contains(strings.Split(name, "/"), "..") {
				t.Errorf("%q was taken", name)
			}
		}
	})
}
