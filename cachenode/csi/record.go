// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package csi

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"github.com/hoist-dev/hoist/cachenode"
)

// record is what outlives the process about a published volume.
type record struct {
	Claim    Claim              `json:"claim"`
	Target   target             `json:"target"` // below the folder of pods
	Revision cachenode.Revision `json:"revision"`
}

// records is a folder with one file for each volume.
type records struct {
	root *os.Root
	hook func(step string) error // outside tests nil
}

const (
	recordSuffix = ".json"
	tmpSuffix    = ".tmp"
)

func openRecords(folder string, hook func(string) error) (*records, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, recordFault("create", folder, err)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, recordFault("open", folder, err)
	}
	return &records{root: root, hook: hook}, nil
}

// recordName is a digest, for an id may hold anything.
func recordName(volume string) string {
	sum := sha256.Sum256([]byte(volume))
	return hex.EncodeToString(sum[:]) + recordSuffix
}

// write makes rec durable, whole or not at all.
func (r *records) write(rec record) error {
	raw, err := json.Marshal(rec)
	if err != nil {
		return recordFault("encode", rec.Claim.Volume, err)
	}
	name := recordName(rec.Claim.Volume)
	if err := r.replace(name, raw); err != nil {
		_ = r.root.Remove(name + tmpSuffix) // the next start sweeps what stays
		return recordFault("write", name, err)
	}
	return nil
}

func (r *records) replace(name string, raw []byte) error {
	if err := r.before("write"); err != nil {
		return err
	}
	f, err := r.root.OpenFile(name+tmpSuffix, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(raw)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := r.before("rename"); err != nil {
		return err
	}
	if err := r.root.Rename(name+tmpSuffix, name); err != nil {
		return err
	}
	return r.sync()
}

// remove removes the record of a volume, durably; one that is not there is removed.
func (r *records) remove(volume string) error {
	name := recordName(volume)
	err := r.before("remove")
	if err == nil {
		err = r.root.Remove(name)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = r.sync()
	}
	if err != nil {
		return recordFault("remove", name, err)
	}
	return nil
}

// sync makes the names in the folder durable.
func (r *records) sync() error {
	if err := r.before("syncdir"); err != nil {
		return err
	}
	dir, err := r.root.Open(".")
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

// load reads all records. What is no record is removed: writing is atomic, so it is
// an unfinished write, or the disk's doing, and no later start would read it either.
func (r *records) load(log *slog.Logger) ([]record, error) {
	entries, err := fs.ReadDir(r.root.FS(), ".")
	if err != nil {
		return nil, recordFault("list", r.root.Name(), err)
	}
	var found []record
	for _, e := range entries {
		rec, err := r.read(e.Name())
		if err == nil {
			found = append(found, rec)
			continue
		}
		if !strings.HasSuffix(e.Name(), tmpSuffix) {
			log.Error("unreadable record of a volume dropped: the model that it mounts may be evicted under its pod", "record", e.Name(), "err", err)
		}
		if err := r.root.Remove(e.Name()); err != nil {
			return nil, recordFault("remove", e.Name(), err)
		}
	}
	return found, nil
}

func (r *records) read(name string) (record, error) {
	raw, err := r.root.ReadFile(name)
	if err != nil {
		return record{}, err
	}
	var rec record
	if err := json.Unmarshal(raw, &rec); err != nil {
		return record{}, err
	}
	if recordName(rec.Claim.Volume) != name {
		return record{}, errors.New("not the record of the volume that it names")
	}
	_, err = cachenode.ParseRevision(string(rec.Revision))
	return rec, err
}

func (r *records) before(step string) error {
	if r.hook == nil {
		return nil
	}
	return r.hook(step)
}

func recordFault(op, which string, err error) error {
	return &cachenode.Error{Kind: cachenode.ErrDisk, Op: op + " volume record", Subject: which, Err: err,
		Hint: "the agent keeps one small file for each mounted volume: check the disk below its folder"}
}
