// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hoist-dev/hoist/cachenode"
)

const (
	powerCuts  = 200
	writerRoot = "HOIST_TEST_WRITER_ROOT" // makes the test binary the child that writes
	writerSeed = "HOIST_TEST_WRITER_SEED"
)

// seeded is the model of a number: some small files, one of them large enough to be
// on its way when the power goes.
func seeded(n uint64) model {
	random := rand.New(rand.NewPCG(n, 0))
	files := map[string]tagged{"shared": {1, 3000}, "own/config.json": {n, 200}}
	for i := range random.IntN(3) + 1 {
		files[fmt.Sprintf("own/%d.safetensors", i)] = tagged{n<<8 + uint64(i), 4096 + random.IntN(1<<20)}
	}
	return newModel("m", files)
}

// TestRoot_PowerCutWriter is not a test: it is the child that fills and evicts until it
// is killed, and says on stdout what the store has promised, right after it did.
func TestRoot_PowerCutWriter(t *testing.T) {
	t.Parallel()
	root := os.Getenv(writerRoot)
	if root == "" {
		t.Skip("runs as a child of TestRoot_PowerCutKeepsOnlySealedFiles")
	}
	var seed uint64
	if _, err := fmt.Sscan(os.Getenv(writerSeed), &seed); err != nil {
		t.Fatal(err)
	}
	s, err := Open(root, Options{MinFree: 0.1}) // what cuts leave is kept until its room is needed
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("open") //nolint:forbidigo // read by the parent
	for n := seed; ; n++ {
		if err := fill(t.Context(), s, seeded(n)); err != nil {
			t.Fatal(err)
		}
		fmt.Println("published", n) //nolint:forbidigo // read by the parent
		if old := n - 4; old >= seed {
			fmt.Println("evicting", old) //nolint:forbidigo // read by the parent
			if err := s.Evict(seeded(old).Revision()); err != nil {
				t.Fatal(err)
			}
			fmt.Println("evicted", old) //nolint:forbidigo // read by the parent
		}
	}
}

// B1: over hundreds of real power cuts at random moments, every revision whose Publish
// had returned is there and whole, and nothing that is listed is less than whole.
func TestRoot_PowerCutKeepsOnlySealedFiles(t *testing.T) {
	t.Parallel()
	disk := newImage(t, 64)
	root := filepath.Join(disk.at, "cache")
	seed := rand.Uint64N(1 << 32)
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	total, cuts, pace := 0, powerCuts, 20*time.Millisecond
	if testing.Short() {
		cuts /= 10
	}
	for n := range cuts {
		first := uint64(n+1) * 1000
		promised := writeUntilCut(t, disk, root, first, moment{random.IntN(8), random.Float64()}, &pace)
		disk.remount()
		total += checkAfterCut(t, root, first, promised)
		if t.Failed() {
			t.Fatalf("cut %d with seed %d", n, seed)
		}
	}
	if total == 0 {
		t.Fatal("nothing was published before any cut: this proves nothing")
	}
	t.Logf("%d cuts, %d published revisions survived", cuts, total)
}

// fate is what the child said of a model before the power went.
type fate int

const (
	unpublished fate = iota
	published
	evicting
	evicted
)

// moment is when the power goes: after so many models have been published, and a part of the time that one more takes. It counts
// what was done, and not seconds alone, so that a slow disk is cut at the same moments as a fast one.
type moment struct {
	published int
	part      float64
}

// writeUntilCut runs the child and cuts the power at a moment. pace is how long a model takes, as far as that is known, and is
// brought up to date.
func writeUntilCut(t *testing.T, disk *image, root string, first uint64, at moment, pace *time.Duration) map[uint64]fate {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^TestRoot_PowerCutWriter$", "-test.timeout=60s")
	child.Env = append(os.Environ(), writerRoot+"="+root, fmt.Sprintf("%s=%d", writerSeed, first))
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	promised := map[uint64]fate{}
	var (
		opened time.Time
		cut    chan struct{} // closed when the power has gone; nil before that is decided
		said   []string
	)
	count := 0
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		line := lines.Text()
		said = append(said, line)
		if line == "open" {
			opened = time.Now()
		}
		var n uint64
		for word, fate := range map[string]fate{"published": published, "evicting": evicting, "evicted": evicted} {
			if _, err := fmt.Sscanf(line, word+" %d", &n); err == nil && strings.HasPrefix(line, word+" ") {
				promised[n] = fate
			}
		}
		if strings.HasPrefix(line, "published ") {
			count++
			*pace = time.Since(opened) / time.Duration(count)
		}
		if cut == nil && !opened.IsZero() && count == at.published {
			cut = make(chan struct{})
			time.AfterFunc(time.Duration(at.part*float64(*pace)), func() {
				defer close(cut)
				disk.cut()
				_ = child.Process.Kill()
			})
		}
	}
	if cut == nil {
		t.Fatalf("the child ended (%v) before its power was cut; it said:\n%s", child.Wait(), strings.Join(said, "\n"))
	}
	<-cut
	_ = child.Wait() // killed, or failed on the dead disk
	return promised
}

// checkAfterCut opens what the cut left, holds it against the promises, and empties it.
func checkAfterCut(t *testing.T, root string, first uint64, promised map[uint64]fate) (survived int) {
	t.Helper()
	s, err := Open(root, Options{})
	if err != nil {
		t.Errorf("open after the cut: %v", err)
		return 0
	}
	listed := revisions(s)
	for n := first; n < first+uint64(len(promised))+3; n++ {
		m := seeded(n)
		rev := m.Revision()
		switch {
		case promised[n] == published && !listed[rev]:
			t.Errorf("model %d was published and is gone", n)
		case promised[n] == evicted && listed[rev]:
			t.Errorf("model %d was evicted and is back", n)
		case listed[rev]:
			if err := errors.Join(same(s.Path(rev), m), s.Verify(t.Context(), rev)); err != nil {
				t.Errorf("model %d is listed and not whole: %v", n, err)
			}
			if promised[n] == published {
				survived++
			}
		}
		delete(listed, rev)
	}
	for rev := range listed {
		t.Errorf("%s is listed and nobody published it", rev)
	}
	for _, c := range s.List() {
		if err := s.Evict(c.Revision); err != nil {
			t.Error(err)
		}
	}
	if err := s.Reclaim(t.Context()); err != nil && cachenode.KindOf(err) == nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	return survived
}
