// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"math"
	"slices"
	"testing"
	"time"
	"unsafe"

	"pgregory.net/rapid"

	"github.com/hoist-dev/hoist/cachenode"
)

// Whatever is pushed, raised and dropped, chunks come out by rank, each once.
func TestQueue_PopsByRank(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var q queue
		var flights []*flight
		var waiting []*chunk
		next := func() *chunk {
			return slices.MinFunc(waiting, func(a, b *chunk) int { return a.rank().compare(b.rank()) })
		}
		remove := func(gone func(*chunk) bool) { waiting = slices.DeleteFunc(waiting, gone) }
		t.Repeat(map[string]func(*rapid.T){
			"flight": func(t *rapid.T) {
				f := &flight{arrival: uint64(len(flights)), priority: priorities.Draw(t, "priority")}
				f.chunks = make([]chunk, rapid.IntRange(1, 5).Draw(t, "chunks"))
				flights = append(flights, f)
				for i := range f.chunks {
					c := &f.chunks[i]
					c.flight, c.index = f, i
					q.push(c)
					waiting = append(waiting, c)
				}
			},
			"raise": func(t *rapid.T) {
				if len(flights) > 0 {
					rapid.SampledFrom(flights).Draw(t, "flight").priority = priorities.Draw(t, "priority")
					q.reorder()
				}
			},
			"await": func(t *rapid.T) {
				if len(waiting) > 0 {
					rapid.SampledFrom(waiting).Draw(t, "chunk").urgent = true
					q.reorder()
				}
			},
			"drop": func(t *rapid.T) {
				if len(flights) > 0 {
					f := rapid.SampledFrom(flights).Draw(t, "flight")
					q.drop(f)
					remove(func(c *chunk) bool { return c.flight == f })
				}
			},
			"pop": func(t *rapid.T) {
				if q.len() == 0 {
					t.Skip("empty")
				}
				want := next()
				if got := q.pop(); got != want {
					t.Fatalf("popped %+v, want %+v", got.rank(), want.rank())
				}
				remove(func(c *chunk) bool { return c == want })
			},
			"": func(t *rapid.T) {
				total := 0
				for _, n := range q.depth() {
					total += n
				}
				if total != len(waiting) || q.len() != len(waiting) {
					t.Fatalf("%d chunks, depth %v, want %d", q.len(), q.depth(), len(waiting))
				}
			},
		})
	})
}

var priorities = rapid.Map(rapid.IntRange(0, cachenode.Priorities-1), func(i int) cachenode.Priority { return cachenode.Priority(i) })

// The pieces of a chunk cover it, in order, without gaps, from any piece on, and
// all but the last are whole and aligned for direct I/O.
func TestChunk_PiecesCoverIt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.Int64Range(1, 5*cachenode.ChunkSize).Draw(t, "size")
		f := &flight{file: cachenode.File{Size: size}}
		c := &chunk{flight: f, index: rapid.IntRange(0, cachenode.Chunks(size)-1).Draw(t, "index")}
		at := c.span().Off
		for i := range c.pieces() {
			p := c.piece(i)
			if p.Off != at || p.Off%4096 != 0 || p.Len <= 0 || p.Len != pieceSize && p.End() != c.span().End() {
				t.Fatalf("piece %d is %+v, want one from %d on in %+v", i, p, at, c.span())
			}
			if rest := c.rest(i); rest.Off != at || rest.End() != c.span().End() {
				t.Fatalf("rest %d is %+v", i, rest)
			}
			at = p.End()
		}
		if at != c.span().End() || c.pieces() > piecesPerChunk {
			t.Fatalf("%d pieces end at %d, want %d", c.pieces(), at, c.span().End())
		}
	})
}

// Of two attempts that race through a chunk, each piece is written by one, and the
// chunk becomes complete once.
func TestChunk_EachPieceIsClaimedOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := &chunk{flight: &flight{file: cachenode.File{Size: cachenode.ChunkSize}}}
		at := [2]int32{0, c.claimed.Load()} // where each racer reads
		lost, completed := [2]bool{}, 0
		owner := map[int32]int{}
		for completed == 0 {
			racer := rapid.IntRange(0, 1).Draw(t, "racer")
			if lost[racer] || at[racer] == c.pieces() {
				continue
			}
			i := at[racer]
			if !c.claim(i) {
				lost[racer] = true
				if lost[1-racer] {
					t.Fatal("both lost")
				}
				continue
			}
			if _, twice := owner[i]; twice {
				t.Fatalf("piece %d claimed twice", i)
			}
			owner[i] = racer
			if c.wrote(i, uint32(i)) {
				completed++
			}
			at[racer]++
		}
		if len(owner) != int(c.pieces()) || !c.complete() {
			t.Fatalf("complete with %d of %d pieces", len(owner), c.pieces())
		}
	})
}

// The limit stays between 1 and its cap whatever is measured, and halves when told.
func TestLimit_StaysInBounds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(1, 300).Draw(t, "most")
		l := newLimit(most)
		for range rapid.IntRange(1, 300).Draw(t, "windows") {
			before := l
			if rapid.IntRange(0, 9).Draw(t, "slowed") == 0 {
				l = l.slowed()
				if l.n > max(limitFloor, before.n/2) {
					t.Fatalf("%d connections after SlowDown at %d", l.n, before.n)
				}
			} else {
				l = l.after(window{goodput: rapid.Float64Range(0, 1e12).Draw(t, "goodput"), starved: rapid.Bool().Draw(t, "starved")})
			}
			if l.n < 1 || l.n > most {
				t.Fatalf("%d connections, the cap is %d", l.n, most)
			}
			if l.n > before.n+limitStep {
				t.Fatalf("from %d to %d connections in one step", before.n, l.n)
			}
		}
	})
}

// Against networks of known shape the limit settles where more brings nothing.
func TestLimit_SettlesAtTheKnee(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		goodput  func(n int) float64
		most     int
		min, max int
	}{
		"each connection adds":     {func(n int) float64 { return float64(n) }, 64, 64, 64},
		"line full at 40":          {func(n int) float64 { return float64(min(n, 40)) }, 64, 40, 48},
		"line full at 5":           {func(int) float64 { return 5 }, 64, 16, 24},
		"worse with more":          {func(n int) float64 { return 100 / float64(n) }, 64, 16, 24},
		"small cap":                {func(n int) float64 { return float64(n) }, 3, 3, 3},
		"a hundred gigabit needed": {func(n int) float64 { return float64(min(n, 250)) }, 400, 242, 258},
	} {
		l := newLimit(tc.most)
		for range 200 {
			l = l.after(window{goodput: tc.goodput(l.n)})
		}
		if l.n < tc.min || l.n > tc.max {
			t.Errorf("%s: settled at %d, want %d to %d", name, l.n, tc.min, tc.max)
		}
	}
}

// A window in which connections had nothing to do changes nothing.
func TestLimit_LearnsNothingFromStarvedWindows(t *testing.T) {
	t.Parallel()
	l := newLimit(64)
	if got := l.after(window{goodput: 1, starved: true}); got != l {
		t.Errorf("%+v, want %+v", got, l)
	}
}

// C1: after SlowDown the limit comes back, in steps that begin with one.
func TestLimit_RecoversSlowlyThenFaster(t *testing.T) {
	t.Parallel()
	l := newLimit(64)
	l.n = 60
	l = l.slowed()
	var course []int
	for range 10 {
		l = l.after(window{goodput: float64(l.n)})
		course = append(course, l.n)
	}
	if want := []int{30, 30, 30, 30, 31, 33, 37, 45, 53, 61}; !slices.Equal(course, want) {
		t.Errorf("course %v, want %v", course, want)
	}
}

func TestBackoff_GrowsToItsCap(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]time.Duration{0: backoffBase, 1: 2 * backoffBase, 3: 8 * backoffBase, 7: backoffMax, 8: backoffMax, 1000: backoffMax} {
		if got := backoff(n, 1); got != want {
			t.Errorf("backoff(%d) is at most %v, want %v", n, got, want)
		}
		if got := backoff(n, 0); got != 0 {
			t.Errorf("backoff(%d) is at least %v, want 0", n, got)
		}
	}
}

// An outage begins when every connection has failed in a row, and ends with the
// first success; a SlowDown pauses at once; Retry-After is a lower bound.
func TestPause_TellsOutagesFromFailures(t *testing.T) {
	t.Parallel()
	var p pause
	now := time.Now()
	for i := range 3 {
		if d := p.failed(false, 4, 0); d != 0 || p.allowed(now, 4) != 4 {
			t.Errorf("failure %d pauses for %v and allows %d", i+1, d, p.allowed(now, 4))
		}
	}
	p.failed(false, 4, 0)
	if got := p.allowed(now, 4); got != 1 {
		t.Errorf("%d connections allowed in an outage, want 1", got)
	}
	p.succeeded()
	if got := p.allowed(now, 4); got != 4 {
		t.Errorf("%d connections allowed after it, want 4", got)
	}
	if d := p.failed(true, 4, time.Second); d < time.Second {
		t.Errorf("a pause of %v, less than was asked for", d)
	}
	if !p.extend(now, time.Second) || p.extend(now, time.Millisecond) || p.allowed(now, 4) != 0 || p.allowed(now.Add(time.Second), 4) != 4 {
		t.Errorf("a pause of a second is not one: %+v", p)
	}
}

func TestLap_Late(t *testing.T) {
	t.Parallel()
	const s = time.Second
	for name, tc := range map[string]struct {
		lap  lap
		want bool
	}{
		"nothing known":          {lap{elapsed: 100 * s, asked: 100}, false},
		"normal":                 {lap{elapsed: s, expect: s, asked: 100, got: 90}, false},
		"twice the normal time":  {lap{elapsed: 2*s + 1, expect: s, asked: 100, got: 99}, true},
		"at a quarter the pace":  {lap{elapsed: s, expect: s, asked: 100, got: 24}, true},
		"at half the pace":       {lap{elapsed: s, expect: s, asked: 100, got: 50}, false},
		"no byte, but too early": {lap{elapsed: s / 3, expect: s, asked: 100}, false},
		"no byte for half":       {lap{elapsed: s / 2, expect: s, asked: 100}, true},
	} {
		if got := tc.lap.late(); got != tc.want {
			t.Errorf("%s: late %v, want %v", name, got, tc.want)
		}
	}
	laps := []lap{{elapsed: 3 * s, expect: s}, {elapsed: s, expect: s, asked: 1, got: 1}, {elapsed: 5 * s, expect: s}, {}}
	if got := slowest(laps); got != 2 {
		t.Errorf("slowest is %d, want 2", got)
	}
	if got := slowest(laps[1:2]); got != -1 {
		t.Errorf("slowest is %d, want none", got)
	}
}

func TestLatency_ComparesLikeWithLike(t *testing.T) {
	t.Parallel()
	var l latency
	for i := range enoughSamples {
		if got := l.expect(pieceSize); got != 0 {
			t.Errorf("%v expected after %d samples, want 0", got, i)
		}
		l.add(100, time.Millisecond)
		l.add(cachenode.ChunkSize/2, time.Second)
	}
	if got := l.expect(1); got != time.Millisecond {
		t.Errorf("a small request should take %v, want 1 ms", got)
	}
	if got := l.expect(cachenode.ChunkSize); math.Abs(got.Seconds()-2) > 1e-6 {
		t.Errorf("a chunk should take %v, want 2 s", got)
	}
	for range 1000 {
		l.add(100, 3*time.Millisecond)
	}
	if got := l.expect(1); got != 3*time.Millisecond {
		t.Errorf("old samples are not forgotten: %v", got)
	}
}

// Buffers are aligned, disjoint, lent once, and the one used last comes first.
func TestPool_LendsEachBufferOnce(t *testing.T) {
	t.Parallel()
	p, err := newPool(5*pieceSize + 1)
	if err != nil {
		t.Fatal(err)
	}
	var lent [][]byte
	for i := range 5 {
		buf, err := p.get(t.Context())
		if err != nil || len(buf) != pieceSize || cap(buf) != pieceSize || address(buf)%4096 != 0 {
			t.Fatalf("buffer of %d at %x: %v", len(buf), address(buf), err)
		}
		buf[0], buf[pieceSize-1] = byte(i), byte(i)
		lent = append(lent, buf)
	}
	for i, buf := range lent {
		if buf[0] != byte(i) || buf[pieceSize-1] != byte(i) {
			t.Errorf("buffer %d overlaps another", i)
		}
	}
	if p.inUse() != 5 {
		t.Errorf("%d in use, want 5", p.inUse())
	}
	p.put(lent[3])
	p.put(lent[1])
	if buf, _ := p.get(t.Context()); address(buf) != address(lent[1]) {
		t.Error("the buffer used last does not come first")
	}
	p.trim()
	if lent[0][0] != 0 || lent[2][0] != 2 {
		t.Error("trimmed while buffers are lent")
	}
	for _, i := range []int{0, 1, 2, 4} {
		p.put(lent[i])
	}
	p.trim()
	if err := p.close(); err != nil {
		t.Error(err)
	}
}

func address(buf []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(buf))) }
