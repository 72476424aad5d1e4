// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/hoist-dev/hoist/cachenode"
)

// The layout of a store. docs/storage.md explains it to people.
const (
	layoutFile = "LAYOUT"
	layoutV1   = "hoist store 1\n"

	lockFile      = "lock"
	ingestDir     = "ingest"     // <blob>/data and <blob>/journal: blobs on their way
	blobsDir      = "blobs"      // <aa>/<blob> and <aa>/<blob>.sums: whole blobs
	modelsDir     = "models"     // <revision>/...: directories of hard links to blobs
	manifestsDir  = "manifests"  // <revision>.json: the index; written last, removed first
	useDir        = "use"        // <revision>: when it was used last, and whether it is pinned
	namesDir      = "names"      // <name>: a link to the directory of a revision
	quarantineDir = "quarantine" // what the store does not know, or no longer trusts

	sumsSuffix     = ".sums"
	manifestSuffix = ".json"
	partSuffix     = ".tmp"
)

// neighbors are names at the top of a root that are none of the store's business.
var neighbors = map[string]bool{"control.sock": true, "lost+found": true} //nolint:gochecknoglobals // a constant

func blobPath(id cachenode.BlobID) string { return path.Join(blobsDir, string(id[:2]), string(id)) }

func modelPath(rev cachenode.Revision) string { return path.Join(modelsDir, rev.Hex()) }

func manifestPath(rev cachenode.Revision) string {
	return path.Join(manifestsDir, rev.Hex()+manifestSuffix)
}

func usePath(rev cachenode.Revision) string { return path.Join(useDir, rev.Hex()) }

// checkLayout accepts a root that this build understands, and lays out an empty one.
func checkLayout(f *fsys) error {
	raw, err := f.read(layoutFile)
	if errors.Is(err, fs.ErrNotExist) {
		return layOut(f)
	}
	if err != nil {
		return err
	}
	if got := string(raw); got != layoutV1 {
		return &cachenode.Error{Kind: cachenode.ErrInvalid, Op: "open store", Subject: f.root.Name(),
			Err:  fmt.Errorf("its layout is %q, this build knows %q", strings.TrimSpace(got), strings.TrimSpace(layoutV1)),
			Hint: "use the hoist that wrote it, or another root"}
	}
	return nil
}

// layOut refuses to make a store out of a folder that holds other things: a live one
// of somebody else would be moved to quarantine.
func layOut(f *fsys) error {
	entries, err := f.list(".")
	if err != nil {
		return err
	}
	dirs := []string{ingestDir, blobsDir, modelsDir, manifestsDir, useDir, namesDir, quarantineDir}
	for _, e := range entries {
		name := e.Name()
		begun := name == lockFile || name == layoutFile+partSuffix || slices.Contains(dirs, name) && emptyDir(f, e) // by a layOut that was cut short
		if !begun && !neighbors[name] {
			return &cachenode.Error{Kind: cachenode.ErrInvalid, Op: "open store", Subject: f.root.Name(),
				Err: fmt.Errorf("it is no store, %s is missing, and it holds %q", layoutFile, name), Hint: "name an empty folder, or a new one in it"}
		}
	}
	for _, dir := range dirs {
		if err := f.mkdir(dir); err != nil {
			return err
		}
	}
	return f.write(layoutFile, []byte(layoutV1), true)
}

func emptyDir(f *fsys, e fs.DirEntry) bool {
	if !e.IsDir() {
		return false
	}
	inside, err := f.list(e.Name())
	return err == nil && len(inside) == 0
}
