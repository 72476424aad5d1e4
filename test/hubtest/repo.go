// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package hubtest

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"maps"
	"strconv"
)

// Content is what a file holds.
type Content struct {
	io.ReaderAt
	Size int64
}

// Bytes is content in memory.
func Bytes(b []byte) Content { return Content{bytes.NewReader(b), int64(len(b))} }

// repo is a repository with a linear history on the branch main.
type repo struct {
	movedTo string // owner/repo of today, for one that was renamed
	gated   bool
	commits map[string]map[string]file // files by path, by commit
	refs    map[string]string          // commit by branch or tag
}

type file struct {
	content Content
	oid     string // git's
	sha256  string // "" for a small file
}

// repo makes it where there is none. h.mu is held.
func (h *Hub) repo(name string) *repo {
	if h.repos[name] == nil {
		h.repos[name] = &repo{commits: map[string]map[string]file{}, refs: map[string]string{}}
		h.repos[name].commit(map[string]file{})
	}
	return h.repos[name]
}

// commit makes files the newest commit of main.
func (r *repo) commit(files map[string]file) string {
	sum := sha1.Sum([]byte(r.refs["main"] + strconv.Itoa(len(r.commits))))
	id := hex.EncodeToString(sum[:])
	r.commits[id], r.refs["main"] = files, id
	return id
}

// Put commits a file to the branch main of a repository, which it makes. A large file is
// stored as LFS and Xet store it: by its SHA-256, on the content network.
func (h *Hub) Put(name, path string, content Content, large bool) (commit string) {
	f := file{content: content, oid: digest(sha1.New(), content, true)}
	if large {
		f.sha256 = digest(sha256.New(), content, false)
		pointer := fmt.Sprintf("version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n", f.sha256, content.Size)
		f.oid = digest(sha1.New(), Bytes([]byte(pointer)), true)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.repo(name)
	files := maps.Clone(r.commits[r.refs["main"]])
	files[path] = f
	if large {
		h.blobs[f.sha256] = content
	}
	return r.commit(files)
}

// Remove commits that a file is gone.
func (h *Hub) Remove(name, path string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.repo(name)
	files := maps.Clone(r.commits[r.refs["main"]])
	delete(files, path)
	r.commit(files)
}

// Tag names the newest commit of main.
func (h *Hub) Tag(name, tag string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.repo(name)
	r.refs[tag] = r.refs["main"]
}

// Squash throws the history of a repository away, as super_squash_history does.
func (h *Hub) Squash(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.repo(name)
	files := r.commits[r.refs["main"]]
	id := r.commit(files)
	r.commits, r.refs = map[string]map[string]file{id: files}, map[string]string{"main": id}
}

// Rename gives a repository another name; the old one redirects.
func (h *Hub) Rename(from, to string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.repos[to] = h.repo(from)
	h.repos[from] = &repo{movedTo: to}
}

// Gate makes a repository one whose terms nobody has accepted.
func (h *Hub) Gate(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.repo(name).gated = true
}

func digest(sum hash.Hash, c Content, git bool) string {
	if git {
		fmt.Fprintf(sum, "blob %d\x00", c.Size)
	}
	if _, err := io.Copy(sum, io.NewSectionReader(c, 0, c.Size)); err != nil {
		panic("hubtest: content can't be read: " + err.Error())
	}
	return hex.EncodeToString(sum.Sum(nil))
}
