// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/hoist-dev/hoist/cachenode"
)

// A powerCut watches the operations of a store on a real directory and knows what of
// it is durable. At operation n it cuts: everything fails from then on, and lose
// takes from the directory what a disk would have lost.
type powerCut struct {
	root  string
	grave string // where removed files are kept, in case they come back
	n     int

	count   int
	dirty   map[string]bool // files with unsynced bytes
	moved   []Op            // renames, links and new names, not yet durable, in order
	removed map[string]int  // names whose absence is not durable, and their graves
}

func newPowerCut(t testing.TB, root string, n int) *powerCut {
	t.Helper()
	return &powerCut{root: root, grave: fastDir(t), n: n, dirty: map[string]bool{}, removed: map[string]int{}}
}

func (c *powerCut) cut() bool { return c.count >= c.n }

func (c *powerCut) hook(op Op) error {
	if c.count++; c.cut() {
		return syscall.EIO
	}
	switch op.Kind {
	case "write", "truncate", "allocate":
		c.dirty[op.Path] = true
	case "sync":
		delete(c.dirty, op.Path)
	case "syncdir":
		c.moved = slices.DeleteFunc(c.moved, func(o Op) bool { return path.Dir(target(o)) == op.Path })
		for name := range c.removed {
			if path.Dir(name) == op.Path {
				delete(c.removed, name)
			}
		}
	case "rename", "link":
		if op.Kind == "rename" {
			c.bury(op.To) // what is replaced may come back
			if c.dirty[op.Path] {
				c.dirty[op.To] = true
			}
			delete(c.dirty, op.Path)
		}
		c.moved = append(c.moved, op)
	case "remove":
		c.buryTree(op.Path)
	}
	return nil
}

func target(op Op) string {
	if op.To != "" {
		return op.To
	}
	return op.Path
}

func (c *powerCut) bury(name string) {
	id := c.count*1000 + len(c.removed)
	if os.Link(filepath.Join(c.root, name), filepath.Join(c.grave, fmt.Sprint(id))) == nil {
		c.removed[name] = id
	}
}

func (c *powerCut) buryTree(name string) {
	_ = filepath.WalkDir(filepath.Join(c.root, name), func(at string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			if rel, err := filepath.Rel(c.root, at); err == nil {
				c.bury(rel)
			}
		}
		return nil
	})
}

// lose takes back what was not durable, each thing with the given chance to stay.
func (c *powerCut) lose(random *rand.Rand, keep float64) error {
	lost := func() bool { return random.Float64() >= keep }
	var errs []error
	for name := range c.dirty {
		if info, err := os.Stat(filepath.Join(c.root, name)); err == nil && info.Mode().IsRegular() && lost() {
			errs = append(errs, os.Chmod(filepath.Join(c.root, name), 0o600), os.Truncate(filepath.Join(c.root, name), 0), os.Truncate(filepath.Join(c.root, name), info.Size()))
		}
	}
	for _, op := range slices.Backward(c.moved) {
		if !lost() {
			continue
		}
		if op.Kind == "link" {
			_ = os.Remove(filepath.Join(c.root, op.To))
		} else if _, err := os.Lstat(filepath.Join(c.root, op.Path)); os.IsNotExist(err) {
			_ = os.Rename(filepath.Join(c.root, op.To), filepath.Join(c.root, op.Path)) // back under its old name
		}
	}
	for name, id := range c.removed {
		if _, err := os.Lstat(filepath.Join(c.root, name)); os.IsNotExist(err) && lost() {
			_ = os.MkdirAll(filepath.Dir(filepath.Join(c.root, name)), 0o755)
			errs = append(errs, os.Link(filepath.Join(c.grave, fmt.Sprint(id)), filepath.Join(c.root, name)))
		}
	}
	return errors.Join(errs...)
}

// step is one thing that may happen to a store.
type step struct {
	name string
	do   func(t *testing.T, s *Store) error
	adds *model
	goes *model
}

// B1, second engine: for all sequences of up to three steps, a power cut at every
// operation (every fifth of the longest sequences), with none, half or all of what was not synced kept: what was
// published is there, and what is there is whole.
func TestStore_PowerCutAtEveryOperationOfAllShortSequences(t *testing.T) {
	t.Parallel()
	one := newModel("m", map[string]tagged{"a/w": {1, 5000}, "c": {2, 10}})
	two := newModel("m", map[string]tagged{"a/w": {1, 5000}, "c": {3, 10}})
	fillStep := func(m model) step {
		return step{"fill", func(t *testing.T, s *Store) error { return fill(t.Context(), s, m) }, &m, nil}
	}
	evictStep := func(m model) step {
		return step{"evict", func(_ *testing.T, s *Store) error { return s.Evict(m.Revision()) }, nil, &m}
	}
	steps := []step{fillStep(one), fillStep(two), evictStep(one), evictStep(two)}
	var sequences [][]step
	for _, a := range steps {
		sequences = append(sequences, []step{a})
		for _, b := range steps {
			sequences = append(sequences, []step{a, b})
			for _, c := range steps {
				sequences = append(sequences, []step{a, b, c})
			}
		}
	}
	if testing.Short() { // the longest are three of four
		sequences = slices.DeleteFunc(sequences, func(s []step) bool { return len(s) == 3 })
	}
	var published sync.Map
	t.Run("sequences", func(t *testing.T) {
		for i, sequence := range sequences {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				stride := 1
				if len(sequence) == 3 {
					stride = 5
				}
				for n, more := 1+i%stride, true; more; n += stride {
					for _, keep := range []float64{0, 0.5, 1} {
						more = cutOnce(t, sequence, n, keep, []model{one, two}, &published)
					}
				}
			})
		}
	})
	count := 0
	published.Range(func(any, any) bool { count++; return true })
	if count < 100 {
		t.Errorf("only %d cuts came after something was published: the test proves little", count)
	}
}

// cutOnce runs a sequence into a power cut at operation n, and looks at what is left.
func cutOnce(t *testing.T, sequence []step, n int, keep float64, models []model, published *sync.Map) (met bool) {
	t.Helper()
	dir := fastDir(t)
	defer os.RemoveAll(dir)
	cut := newPowerCut(t, dir, n)
	defer os.RemoveAll(cut.grave)
	s, err := Open(dir, Options{life: "before"})
	if err != nil {
		t.Fatal(err)
	}
	s.fsys.hook = cut.hook
	must, may := map[cachenode.Revision]bool{}, map[cachenode.Revision]bool{}
	for _, step := range sequence {
		err := step.do(t, s)
		switch {
		case step.adds != nil:
			may[step.adds.Revision()] = true
			must[step.adds.Revision()] = must[step.adds.Revision()] || err == nil
		case !errors.Is(err, cachenode.ErrNotFound):
			must[step.goes.Revision()] = false
			may[step.goes.Revision()] = err != nil
		}
		if cut.cut() {
			break
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := cut.lose(rand.New(rand.NewPCG(uint64(n), uint64(keep*2))), keep); err != nil {
		t.Fatal(err)
	}
	s, err = Open(dir, Options{life: "after"})
	if err != nil {
		t.Fatalf("cut at %d, keep %v: %v", n, keep, err)
	}
	listed := revisions(s)
	for _, m := range models {
		rev := m.Revision()
		if must[rev] {
			published.Store(fmt.Sprint(t.Name(), n, keep), true)
		}
		if must[rev] && !listed[rev] {
			t.Errorf("%s: cut at %d, keep %v: what was published is gone", names(sequence), n, keep)
		}
		if listed[rev] && !may[rev] {
			t.Errorf("%s: cut at %d, keep %v: what was evicted is back", names(sequence), n, keep)
		}
		if err := same(s.Path(rev), m); listed[rev] && err != nil {
			t.Errorf("%s: cut at %d, keep %v: listed and not whole: %v", names(sequence), n, keep, err)
		}
		if err := fill(t.Context(), s, m); err != nil {
			t.Errorf("%s: cut at %d, keep %v: filled again: %v", names(sequence), n, keep, err)
		} else if err := same(s.Path(rev), m); err != nil {
			t.Errorf("%s: cut at %d, keep %v: filled again: %v", names(sequence), n, keep, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return cut.cut()
}

func names(sequence []step) string {
	var out []string
	for _, s := range sequence {
		out = append(out, s.name)
	}
	return strings.Join(out, ", ")
}
