// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
)

// recorder keeps the operations of a store, in order.
type recorder struct {
	mu  sync.Mutex
	ops []Op
}

func (r *recorder) hook(op Op) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ops = append(r.ops, op)
	return nil
}

// durability is a state machine over operations: what would survive a power cut.
type durability struct {
	dirty map[string]bool     // files with bytes that were not synced
	names map[string][]string // names that are new in a directory and not synced
}

// check follows op and says which rule of the write order it breaks (B3).
func (d *durability) check(op Op) error {
	switch op.Kind {
	case "write", "truncate", "allocate":
		d.dirty[op.Path] = true
	case "sync":
		delete(d.dirty, op.Path)
	case "syncdir":
		delete(d.names, op.Path)
	case "link":
		if d.dirty[op.Path] || len(d.names[path.Dir(op.Path)]) > 0 {
			return fmt.Errorf("link to %s, which is not durable", op.Path)
		}
		d.added(op.To)
	case "mkdir":
		d.added(op.Path)
	case "rename":
		return d.rename(op)
	case "remove":
		return d.remove(op)
	}
	return nil
}

func (d *durability) added(name string) {
	d.names[path.Dir(name)] = append(d.names[path.Dir(name)], name)
}

func (d *durability) rename(op Op) error {
	final := strings.HasPrefix(op.To, blobsDir) || strings.HasPrefix(op.To, manifestsDir) || strings.HasPrefix(op.To, modelsDir)
	if d.dirty[op.Path] && final {
		return fmt.Errorf("rename %s to %s before its bytes are synced", op.Path, op.To)
	}
	if strings.HasPrefix(op.To, manifestsDir) {
		for dir, names := range d.names {
			if strings.HasPrefix(dir, blobsDir+"/") || strings.HasPrefix(dir, modelsDir) {
				return fmt.Errorf("index entry %s while %v in %s are not durable", op.To, names, dir)
			}
		}
	}
	if strings.HasPrefix(op.To, blobsDir) && !strings.HasSuffix(op.To, sumsSuffix) && slices.Contains(d.names[path.Dir(op.To)], op.To+sumsSuffix) {
		return fmt.Errorf("blob %s before its sums are durable", op.To)
	}
	d.added(op.To)
	return nil
}

func (d *durability) remove(op Op) error {
	if strings.HasPrefix(op.Path, manifestsDir) {
		d.added(op.Path) // its absence has to be synced too
	}
	blob := strings.HasPrefix(op.Path, blobsDir) || strings.HasPrefix(op.Path, modelsDir) && !strings.HasSuffix(op.Path, partSuffix)
	if blob && len(d.names[manifestsDir]) > 0 {
		return fmt.Errorf("remove %s before the index entry is durably gone", op.Path)
	}
	return nil
}

// B3: data, fsync, rename, fsync of the directory, index; and back.
func TestStore_OrderOfWritesSurvivesAPowerCutAnywhere(t *testing.T) {
	t.Parallel()
	var log recorder
	s := openStore(t, privateDir(t), Options{hook: log.hook})
	one := newModel("m", map[string]tagged{"a/b/c": {1, 5000}, "a/d": {2, 10}, "e": {3, 0}})
	two := newModel("m", map[string]tagged{"a/b/c": {1, 5000}, "a/d": {9, 10}, "e": {3, 0}})
	mustFill(t, s, one)
	mustFill(t, s, two)
	for _, m := range []model{one, two} {
		if err := s.Evict(m.Revision()); err != nil {
			t.Fatal(err)
		}
	}
	d := durability{dirty: map[string]bool{}, names: map[string][]string{}}
	seen := map[string]int{}
	for i, op := range log.ops {
		seen[op.Kind]++
		if err := d.check(op); err != nil {
			t.Errorf("operation %d: %v", i, err)
		}
	}
	for _, kind := range []string{"write", "sync", "syncdir", "rename", "link", "remove"} {
		if seen[kind] == 0 {
			t.Errorf("no %s was seen: the test proves nothing", kind)
		}
	}
}
