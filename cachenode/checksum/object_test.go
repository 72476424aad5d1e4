// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package checksum_test

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/minio/crc64nvme"
	"pgregory.net/rapid"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/checksum"
)

// digests are S3's algorithms, written down the plain way.
var digests = map[string]func(p []byte) []byte{
	"CRC32": func(p []byte) []byte { return binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(p)) },
	"CRC32C": func(p []byte) []byte {
		return binary.BigEndian.AppendUint32(nil, crc32.Checksum(p, crc32.MakeTable(crc32.Castagnoli)))
	},
	"CRC64NVME": func(p []byte) []byte { return binary.BigEndian.AppendUint64(nil, crc64nvme.Checksum(p)) },
	"SHA1":      func(p []byte) []byte { sum := sha1.Sum(p); return sum[:] },
	"SHA256":    func(p []byte) []byte { sum := sha256.Sum256(p); return sum[:] },
}

// stored is what S3 keeps for an object: one digest of all, or the digest of the
// digests of its parts.
func stored(algorithm string, content []byte, parts []int64) cachenode.Checksum {
	digest := digests[algorithm]
	c := cachenode.Checksum{Algorithm: algorithm, Composite: len(parts) > 0}
	sum := digest(content)
	if c.Composite {
		var sums []byte
		for _, n := range parts {
			sums = append(sums, digest(content[:n])...)
			content = content[n:]
		}
		sum = digest(sums)
	}
	c.Value = base64.StdEncoding.EncodeToString(sum)
	return c
}

func newObject(t rapid.TB, c cachenode.Checksum, size int64, parts []int64) *checksum.Object {
	t.Helper()
	o, err := checksum.NewObject(c, size, parts)
	if err != nil || !o.Verifies() {
		t.Fatalf("NewObject(%+v) = %v", c, err)
	}
	return o
}

// The values that catalogs give for a known text, in S3's encoding.
func TestObject_KnowsGoldenValues(t *testing.T) {
	t.Parallel()
	for algorithm, value := range map[string]string{
		"CRC32": "y/Q5Jg==", "CRC32C": "4waSgw==", "CRC64NVME": "rosUhgp5mIg=", "crc32c": "4waSgw==",
		"GIT-SHA1": "4uEHrGGsJZuHxUT256TrA0IsbCE=", // git hash-object
		"SHA1":     "98O8HYCOBHMq32eZZczDTKeuNEE=", "SHA256": "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=",
	} {
		o := newObject(t, cachenode.Checksum{Algorithm: algorithm, Value: value}, 9, nil)
		o.Add(0, []byte("1234"))
		o.Add(4, []byte("56789"))
		if err := o.Verify(); err != nil {
			t.Errorf("%s: %v", algorithm, err)
		}
	}
}

func TestObject_VerifiesNothingWhereItCannot(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		c     cachenode.Checksum
		parts []int64
	}{
		"no checksum":                    {},
		"unknown algorithm":              {c: cachenode.Checksum{Algorithm: "BLAKE3", Value: "4waSgw=="}},
		"composite without parts":        {c: cachenode.Checksum{Algorithm: "CRC32C", Composite: true, Value: "4waSgw=="}},
		"composite with parts too short": {cachenode.Checksum{Algorithm: "CRC32C", Composite: true, Value: "4waSgw=="}, []int64{4, 4}},
		"composite with parts too long":  {cachenode.Checksum{Algorithm: "CRC32C", Composite: true, Value: "4waSgw=="}, []int64{4, 6}},
		"composite with a negative part": {cachenode.Checksum{Algorithm: "CRC32C", Composite: true, Value: "4waSgw=="}, []int64{10, -1}},
	} {
		o, err := checksum.NewObject(row.c, 9, row.parts)
		if err != nil || o.Verifies() {
			t.Errorf("%s: %v", name, err)
			continue
		}
		o.Add(0, []byte("12345678x"))
		o.Drop(cachenode.Range{Len: 9})
		if r, ok := o.Pending(); ok || o.Verify() != nil {
			t.Errorf("%s: %+v is pending, Verify() = %v", name, r, o.Verify())
		}
	}
}

func TestObject_RefusesValuesThatAreNone(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"", "x", "4waSgw", "4waSgw==-3", "4waSgwAA", "rosUhgp5mIg="} {
		if _, err := checksum.NewObject(cachenode.Checksum{Algorithm: "CRC32C", Value: value}, 9, nil); cachenode.KindOf(err) != cachenode.ErrInvalid {
			t.Errorf("%q: %v, want ErrInvalid", value, err)
		}
	}
}

// scene is an object, its checksum, and pieces of it in some order.
type scene struct {
	content []byte
	parts   []int64
	sum     cachenode.Checksum
	pieces  []cachenode.Range
}

func drawScene(t *rapid.T) scene {
	s := scene{content: rapid.SliceOfN(rapid.Byte(), 1, 300).Draw(t, "content")}
	if rapid.Bool().Draw(t, "composite") {
		s.parts = drawCuts(t, "part", len(s.content))
	}
	s.sum = stored(rapid.SampledFrom([]string{"CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"}).Draw(t, "algorithm"), s.content, s.parts)
	var at int64
	for _, n := range drawCuts(t, "piece", len(s.content)) {
		s.pieces = append(s.pieces, cachenode.Range{Off: at, Len: n})
		at += n
	}
	s.pieces = rapid.Permutation(s.pieces).Draw(t, "order")
	return s
}

// drawCuts cuts n bytes into lengths.
func drawCuts(t *rapid.T, label string, n int) (lengths []int64) {
	for n > 0 {
		length := rapid.IntRange(1, n).Draw(t, label)
		lengths = append(lengths, int64(length))
		n -= length
	}
	return lengths
}

func (s scene) bytes(r cachenode.Range) []byte { return s.content[r.Off:r.End()] }

// readBack adds what is pending, as from a disk that holds content, in small reads.
func readBack(t rapid.TB, o *checksum.Object, content []byte) (reads int64) {
	for {
		r, ok := o.Pending()
		if !ok {
			return reads
		}
		n := min(r.Len, 7)
		o.Add(r.Off, content[r.Off:r.Off+n])
		if reads += n; reads > int64(len(content)) {
			t.Fatalf("more bytes were pending than there are: %+v", r)
		}
	}
}

// A3: any split and any order give the verdict of the whole, and so does what is
// missing, dropped or added twice.
func TestObject_AnyOrderGivesTheSameVerdict(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawScene(t)
		o := newObject(t, s.sum, int64(len(s.content)), s.parts)
		for _, r := range s.pieces {
			switch rapid.IntRange(0, 5).Draw(t, "step") {
			case 0: // verified in an earlier life: never added
			case 1: // fetched twice, by a hedge
				o.Add(r.Off, s.bytes(r))
				o.Add(r.Off, s.bytes(r))
			case 2: // fetched together with what surrounds it
				wide := cachenode.Range{Off: r.Off / 2}
				wide.Len = min(r.Len+r.Off, int64(len(s.content))-wide.Off)
				o.Add(wide.Off, s.bytes(wide))
				o.Add(r.Off, s.bytes(r))
			case 3: // found bad, fetched again
				o.Add(r.Off, bytes.Repeat([]byte{0xa5}, int(r.Len)))
				o.Drop(r)
				o.Add(r.Off, s.bytes(r))
			default:
				o.Add(r.Off, s.bytes(r))
			}
		}
		readBack(t, o, s.content)
		if err := o.Verify(); err != nil {
			t.Fatal(err)
		}
	})
}

// A3: a flipped bit is found, and its object is right again once it is dropped and
// fetched again.
func TestObject_FindsEveryFlippedBit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawScene(t)
		size := int64(len(s.content))
		o := newObject(t, s.sum, size, s.parts)
		bad := slices.Clone(s.content)
		at := rapid.IntRange(0, len(bad)-1).Draw(t, "at")
		bad[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		for _, r := range s.pieces {
			o.Add(r.Off, bad[r.Off:r.End()])
		}
		readBack(t, o, bad)
		err := o.Verify()
		mismatch, ok := errors.AsType[*checksum.Mismatch](err)
		if cachenode.KindOf(err) != cachenode.ErrCorrupt || !ok || !slices.Equal(mismatch.Ranges, []cachenode.Range{{Len: size}}) {
			t.Fatalf("Verify() = %v, want ErrCorrupt about all of it", err)
		}
		o.Drop(cachenode.Range{Off: int64(at), Len: 1})
		if err := o.Verify(); cachenode.KindOf(err) != cachenode.ErrIncomplete {
			t.Fatalf("after Drop: %v, want ErrIncomplete", err)
		}
		readBack(t, o, s.content)
		if err := o.Verify(); err != nil {
			t.Fatalf("after another fetch: %v", err)
		}
	})
}

func TestObject_CRCsNeedNoReadBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawScene(t)
		if s.sum.Algorithm[:3] != "CRC" {
			t.Skip("a hash goes in order")
		}
		o := newObject(t, s.sum, int64(len(s.content)), s.parts)
		for _, r := range s.pieces {
			o.Add(r.Off, s.bytes(r))
		}
		if r, ok := o.Pending(); ok {
			t.Fatalf("%+v is pending after every byte was added", r)
		}
	})
}

// B2: what is read back is what was not added, and not a byte more.
func TestObject_CRCsReadBackOnlyWhatIsMissing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawScene(t)
		if s.sum.Algorithm[:3] != "CRC" {
			t.Skip("a hash goes in order")
		}
		o := newObject(t, s.sum, int64(len(s.content)), s.parts)
		var missing int64
		for _, r := range s.pieces {
			if rapid.Bool().Draw(t, "added") {
				o.Add(r.Off, s.bytes(r))
			} else {
				missing += r.Len
			}
		}
		if reads := readBack(t, o, s.content); reads != missing {
			t.Fatalf("%d bytes were read back, %d were missing", reads, missing)
		}
		if err := o.Verify(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestObject_EmptyObject(t *testing.T) {
	t.Parallel()
	for algorithm := range digests {
		o := newObject(t, stored(algorithm, nil, nil), 0, nil)
		if _, ok := o.Pending(); ok || o.Verify() != nil {
			t.Errorf("%s: %v", algorithm, o.Verify())
		}
		if o := newObject(t, stored(algorithm, []byte("x"), nil), 0, nil); cachenode.KindOf(o.Verify()) != cachenode.ErrCorrupt {
			t.Errorf("%s of other bytes: %v", algorithm, o.Verify())
		}
	}
}

func TestObject_TakesPiecesFromManyGoroutines(t *testing.T) {
	t.Parallel()
	content := make([]byte, 1<<20)
	for i := range content {
		content[i] = byte(i * i >> 7)
	}
	parts := []int64{300_001, 700_000, 1<<20 - 1_000_001}
	for algorithm := range digests {
		for _, parts := range [][]int64{nil, parts} {
			o := newObject(t, stored(algorithm, content, parts), 1<<20, parts)
			var adders sync.WaitGroup
			for i := range 16 {
				adders.Go(func() {
					for off := i << 12; off < len(content); off += 16 << 12 {
						o.Add(int64(off), content[off:off+1<<12])
						o.Pending()
					}
				})
			}
			adders.Wait()
			readBack(t, o, content)
			if err := o.Verify(); err != nil {
				t.Errorf("%s of %d parts: %v", algorithm, len(parts), err)
			}
		}
	}
}

// No allocation for each piece: a download makes millions.
func TestObject_AddDoesNotAllocate(t *testing.T) { //nolint:paralleltest // AllocsPerRun counts for the whole process
	const pieces = 10_000
	piece := make([]byte, 512)
	for algorithm := range digests {
		o := newObject(t, cachenode.Checksum{Algorithm: algorithm, Value: base64.StdEncoding.EncodeToString(digests[algorithm](nil))}, pieces*512, nil)
		next := int64(0)
		if got := testing.AllocsPerRun(pieces-1, func() { o.Add(next*512, piece); next++ }); got >= 1 {
			t.Errorf("%s: %v allocations for each piece", algorithm, got)
		}
	}
}

func TestReader_SumsWhatPasses(t *testing.T) {
	t.Parallel()
	r := &checksum.Reader{R: bytes.NewReader([]byte("123456789123456789"))}
	for range 2 {
		if _, err := io.CopyN(io.Discard, r, 9); err != nil {
			t.Fatal(err)
		}
		if got := r.Take(); got != 0xe3069283 {
			t.Errorf("Take() = %x", got)
		}
	}
	if got := r.Take(); got != 0 {
		t.Errorf("Take() of nothing = %x", got)
	}
}

func BenchmarkObjectAdd(b *testing.B) {
	piece := make([]byte, 4<<20)
	for i := range piece {
		piece[i] = byte(rand.Uint32())
	}
	for _, algorithm := range []string{"CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"} {
		b.Run(algorithm, func(b *testing.B) {
			b.SetBytes(int64(len(piece)))
			b.ReportAllocs()
			o := newObject(b, cachenode.Checksum{Algorithm: algorithm, Value: base64.StdEncoding.EncodeToString(digests[algorithm](nil))}, 1<<60, nil)
			for off := int64(0); b.Loop(); off += int64(len(piece)) {
				o.Add(off, piece)
			}
		})
	}
}

func ExampleObject() {
	o, err := checksum.NewObject(cachenode.Checksum{Algorithm: "CRC64NVME", Value: "rosUhgp5mIg="}, 9, nil)
	if err != nil {
		panic(err)
	}
	o.Add(4, []byte("56789")) // the end came first
	r, _ := o.Pending()
	fmt.Println(r.Off, r.Len, "pending")
	o.Add(0, []byte("1234"))
	fmt.Println(o.Verify())
	// Output:
	// 0 4 pending
	// <nil>
}
