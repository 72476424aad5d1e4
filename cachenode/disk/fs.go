// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"io"
	"io/fs"
	"os"
	"path"
	"sync"

	"golang.org/x/sys/unix"
)

// Op is one change to the file system, before it happens.
type Op struct {
	Kind string // create, write, sync, syncdir, rename, link, symlink, mkdir, remove, allocate, truncate, chmod
	Path string
	To   string // of rename, link
}

// fsys is the one way to the disk. Paths are relative to root, with slashes.
type fsys struct {
	root    *os.Root
	looking sync.Mutex // at what an earlier life has left, see ingest.go

	// Outside tests both are unset.
	hook func(Op) error // sees each change before it is made and may make it fail
	life string         // instead of what the kernel says, see journal.go
}

func (f *fsys) before(kind, path, to string) error {
	if f.hook == nil {
		return nil
	}
	return f.hook(Op{kind, path, to})
}

// create opens name for reading and writing, making it if need be.
func (f *fsys) create(name string, more int) (*file, error) {
	if err := f.before("create", name, ""); err != nil {
		return nil, wrap("create", name, err)
	}
	return f.opened("create", name, os.O_RDWR|os.O_CREATE|more)
}

// chmod sets the permissions of name.
func (f *fsys) chmod(name string, mode fs.FileMode) error {
	if err := f.before("chmod", name, ""); err != nil {
		return wrap("chmod", name, err)
	}
	return wrap("chmod", name, f.root.Chmod(name, mode))
}

func (f *fsys) open(name string) (*file, error) { return f.opened("open", name, os.O_RDONLY) }

func (f *fsys) opened(op, name string, flag int) (*file, error) {
	got, err := f.root.OpenFile(name, flag|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, wrap(op, name, err)
	}
	return &file{File: got, fsys: f, name: name}, nil
}

func (f *fsys) mkdir(name string) error {
	if err := f.before("mkdir", name, ""); err != nil {
		return wrap("create directory", name, err)
	}
	return wrap("create directory", name, f.root.MkdirAll(name, 0o755))
}

func (f *fsys) rename(from, to string) error {
	if err := f.before("rename", from, to); err != nil {
		return wrap("rename", from, err)
	}
	return wrap("rename", from, f.root.Rename(from, to))
}

func (f *fsys) link(from, to string) error {
	if err := f.before("link", from, to); err != nil {
		return wrap("link", to, err)
	}
	return wrap("link", to, f.root.Link(from, to))
}

func (f *fsys) symlink(target, name string) error {
	if err := f.before("symlink", name, ""); err != nil {
		return wrap("link", name, err)
	}
	_ = f.root.Remove(name) // a crash may have left it
	return wrap("link", name, f.root.Symlink(target, name))
}

// remove removes a file or an empty directory; one that is not there is removed.
func (f *fsys) remove(name string) error {
	if err := f.before("remove", name, ""); err != nil {
		return wrap("remove", name, err)
	}
	if err := f.root.Remove(name); err != nil && !os.IsNotExist(err) {
		return wrap("remove", name, err)
	}
	return nil
}

// removeAll removes name and what is below it.
func (f *fsys) removeAll(name string) error {
	if err := f.before("remove", name, ""); err != nil {
		return wrap("remove", name, err)
	}
	return wrap("remove", name, f.root.RemoveAll(name))
}

// syncDir makes the names in a directory durable.
func (f *fsys) syncDir(name string) error {
	if err := f.before("syncdir", name, ""); err != nil {
		return wrap("sync directory", name, err)
	}
	dir, err := f.root.Open(name)
	if err != nil {
		return wrap("sync directory", name, err)
	}
	defer dir.Close()
	return wrap("sync directory", name, dir.Sync())
}

// list returns the entries of a directory; one that is not there is empty.
func (f *fsys) list(name string) ([]fs.DirEntry, error) {
	dir, err := f.root.Open(name)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, wrap("list", name, err)
	}
	defer dir.Close()
	entries, err := dir.ReadDir(-1)
	return entries, wrap("list", name, err)
}

// size is the length of a regular file, -1 if there is none of that name.
func (f *fsys) size(name string) int64 {
	info, err := f.root.Lstat(name)
	if err != nil || !info.Mode().IsRegular() {
		return -1
	}
	return info.Size()
}

// maxSmall bounds what read takes into memory, in bytes.
const maxSmall = 128 << 20

func (f *fsys) read(name string) ([]byte, error) {
	got, err := f.open(name)
	if err != nil {
		return nil, err
	}
	defer got.Close()
	raw, err := io.ReadAll(io.LimitReader(got, maxSmall))
	return raw, wrap("read", name, err)
}

// write replaces a small file, whole or not at all, and durably if asked.
func (f *fsys) write(name string, data []byte, durable bool) error {
	tmp := name + ".tmp"
	got, err := f.create(tmp, os.O_TRUNC)
	if err != nil {
		return err
	}
	_, err = got.WriteAt(data, 0)
	if err == nil && durable {
		err = got.Sync()
	}
	if closed := got.Close(); err == nil {
		err = wrap("close", tmp, closed)
	}
	if err == nil {
		err = f.rename(tmp, name)
	}
	if err != nil {
		_ = f.root.Remove(tmp) // best effort: the next start sweeps it
		return err
	}
	if durable {
		return f.syncDir(path.Dir(name))
	}
	return nil
}

// file is an open file whose changes go through the seam.
type file struct {
	*os.File
	fsys *fsys
	name string
}

// WriteAt writes all of p.
func (f *file) WriteAt(p []byte, off int64) (int, error) {
	if err := f.fsys.before("write", f.name, ""); err != nil {
		return 0, wrap("write", f.name, err)
	}
	n, err := f.File.WriteAt(p, off)
	return n, wrap("write", f.name, err)
}

// Sync makes the bytes durable. After an error the file must be given up.
func (f *file) Sync() error {
	if err := f.fsys.before("sync", f.name, ""); err != nil {
		return wrap("sync", f.name, err)
	}
	return wrap("sync", f.name, f.File.Sync())
}

// Truncate cuts the file to size.
func (f *file) Truncate(size int64) error {
	if err := f.fsys.before("truncate", f.name, ""); err != nil {
		return wrap("truncate", f.name, err)
	}
	return wrap("truncate", f.name, f.File.Truncate(size))
}

// Chmod sets the permissions.
func (f *file) Chmod(mode fs.FileMode) error {
	if err := f.fsys.before("chmod", f.name, ""); err != nil {
		return wrap("chmod", f.name, err)
	}
	return wrap("chmod", f.name, f.File.Chmod(mode))
}
