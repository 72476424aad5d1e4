// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/hoist-dev/hoist/cachenode"
)

// scan finds out what is on the disk. It reads manifests and directories, no
// content, so its time grows with the number of files alone (B5). What a crash left
// is swept, what the store does not know is moved to quarantine/: never deleted, it
// may be somebody's. Where that fails it stays where it is, and is not used: a disk
// that is read-only still serves what it has.
func (s *Store) scan() error {
	for _, step := range []func() error{s.scanTop, s.scanBlobs, s.scanIngests, s.scanManifests, s.scanTrees, s.scanUses, s.scanNames} {
		if err := step(); err != nil {
			return fmt.Errorf("find out what is in %s: %w", s.path, err)
		}
	}
	return nil
}

func (s *Store) scanTop() error {
	known := map[string]bool{layoutFile: true, lockFile: true, ingestDir: true, blobsDir: true, modelsDir: true, manifestsDir: true,
		useDir: true, namesDir: true, quarantineDir: true}
	for name := range neighbors {
		known[name] = true
	}
	return s.each(".", func(name string) error {
		if !known[name] {
			s.tidied(s.quarantine(name))
		}
		return nil
	})
}

// tidied tells of what could neither be swept nor moved out of the way.
func (s *Store) tidied(err error) {
	if err != nil {
		s.log.Warn("left where it is", "err", err)
	}
}

func (s *Store) each(dir string, visit func(name string) error) error {
	entries, err := s.fsys.list(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := visit(e.Name()); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) scanBlobs() error {
	return s.each(blobsDir, func(shard string) error {
		dir := path.Join(blobsDir, shard)
		return s.each(dir, func(name string) error {
			id, err := cachenode.ParseBlobID(strings.TrimSuffix(name, sumsSuffix))
			at := path.Join(dir, name)
			switch {
			case strings.HasSuffix(name, partSuffix):
				s.tidied(s.fsys.remove(at))
			case err != nil || at != blobPath(id) && at != blobPath(id)+sumsSuffix:
				s.tidied(s.quarantine(at))
			case strings.HasSuffix(name, sumsSuffix):
				if s.fsys.size(blobPath(id)) < 0 {
					s.tidied(s.fsys.remove(at)) // the crash came before the blob's rename
				}
			case s.fsys.size(at+sumsSuffix) < 0:
				s.tidied(s.quarantine(at)) // nobody can tell whether it is whole
			default:
				s.blobs[id] = &blob{bytes: s.fsys.allocated(at), sealed: true}
			}
			return nil
		})
	})
}

func (s *Store) scanIngests() error {
	return s.each(ingestDir, func(name string) error {
		id, err := cachenode.ParseBlobID(name)
		at := path.Join(ingestDir, name)
		switch {
		case strings.HasSuffix(name, partSuffix):
			s.tidied(s.fsys.removeAll(at))
		case err != nil:
			s.tidied(s.quarantine(at))
		case s.blobs[id] != nil || s.fsys.size(path.Join(at, "data")) < 0:
			s.tidied(s.fsys.removeAll(at)) // sealed, and the crash came before the sweep
		default:
			s.blobs[id] = &blob{bytes: s.fsys.allocated(path.Join(at, "data"))}
		}
		return nil
	})
}

// scanManifests reads the index. A revision whose blobs are not all there is taken
// out of it: Ready must mean every byte.
func (s *Store) scanManifests() error {
	return s.each(manifestsDir, func(name string) error {
		at := path.Join(manifestsDir, name)
		if strings.HasSuffix(name, partSuffix) {
			s.tidied(s.fsys.remove(at))
			return nil
		}
		m, err := s.readManifest(at)
		if cachenode.KindOf(err) == cachenode.ErrInvalid || err == nil && manifestPath(m.Revision()) != at {
			s.tidied(s.quarantine(at))
			return nil
		}
		if err != nil {
			return err
		}
		rev := m.Revision()
		if missing := s.missing(m); missing != "" {
			s.log.Warn("copy is not whole and leaves the index", "revision", rev, "missing", missing)
			s.tidied(errors.Join(s.fsys.remove(at), s.fsys.removeAll(modelPath(rev))))
			return nil
		}
		s.copies[rev] = &heldCopy{manifest: m, blobs: blobsOf(m), use: s.readUse(rev)}
		return nil
	})
}

func (s *Store) readManifest(at string) (cachenode.Manifest, error) {
	raw, err := s.fsys.read(at)
	if err != nil {
		return cachenode.Manifest{}, err
	}
	m, err := cachenode.DecodeManifest(bytes.NewReader(raw))
	if err != nil {
		return m, &cachenode.Error{Kind: cachenode.ErrInvalid, Op: "read", Subject: at, Err: err}
	}
	return m, nil
}

// missing is the path of a file of m whose blob is not there in full, or "".
func (s *Store) missing(m cachenode.Manifest) string {
	for _, file := range m.Files {
		id := m.Blob(file)
		if b := s.blobs[id]; b == nil || !b.sealed || s.fsys.size(blobPath(id)) != file.Size {
			return file.Path
		}
	}
	return ""
}

// scanTrees removes trees that are not in the index, and builds again those that
// are and lost a link. A copy whose tree can't be built leaves the index.
func (s *Store) scanTrees() error {
	err := s.each(modelsDir, func(name string) error {
		rev, err := cachenode.ParseRevision("sha256:" + strings.TrimSuffix(name, partSuffix))
		at := path.Join(modelsDir, name)
		if err != nil {
			s.tidied(s.quarantine(at))
		} else if _, ok := s.copies[rev]; !ok || strings.HasSuffix(name, partSuffix) {
			s.tidied(s.fsys.removeAll(at))
		}
		return nil
	})
	if err != nil {
		return err
	}
	for rev, c := range s.copies {
		if !s.treeWhole(c.manifest) {
			s.log.Warn("directory of a copy was damaged and is built again", "revision", rev)
			if err := s.buildTree(c.manifest, modelPath(rev)); err != nil {
				s.log.Warn("it can't be built, and the copy is not used", "revision", rev, "err", err)
				delete(s.copies, rev)
			}
		}
	}
	return nil
}

// scanUses removes what is on record of copies that are not in the index: a removal was cut short.
func (s *Store) scanUses() error {
	return s.each(useDir, func(name string) error {
		rev, err := cachenode.ParseRevision("sha256:" + strings.TrimSuffix(name, partSuffix))
		at := path.Join(useDir, name)
		if err != nil {
			s.tidied(s.quarantine(at))
		} else if _, ok := s.copies[rev]; !ok || strings.HasSuffix(name, partSuffix) {
			s.tidied(s.fsys.remove(at))
		}
		return nil
	})
}

func (s *Store) treeWhole(m cachenode.Manifest) bool {
	dir := modelPath(m.Revision())
	for _, file := range m.Files {
		if s.fsys.size(path.Join(dir, file.Path)) != file.Size {
			return false
		}
	}
	return true
}

// quarantine moves what is not known, or not trusted, out of the way.
func (s *Store) quarantine(name string) error {
	to := path.Join(quarantineDir, s.options.now().UTC().Format("20060102T150405.000000000")+"-"+path.Base(name))
	s.log.Warn("moved to quarantine", "path", name, "to", to)
	return s.fsys.rename(name, to)
}
