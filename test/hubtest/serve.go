// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package hubtest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// pageSize is the Hub's, for a listing without details.
const pageSize = 1000

func (h *Hub) api(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.EscapedPath(), "/")
	rest, isAPI := strings.CutPrefix(path, "api/models/")
	parts := strings.SplitN(rest, "/", 4)
	if len(parts) < 4 {
		refuse(w, http.StatusNotFound, "RepoNotFound", "Repository not found")
		return
	}
	name, kind := parts[0]+"/"+parts[1], parts[2]
	repo, ok := h.admit(w, r, name)
	if !ok {
		return
	}
	revision, file, _ := strings.Cut(parts[3], "/")
	revision = unescape(revision)
	h.mu.Lock()
	commit := revision
	if id, ok := repo.refs[revision]; ok {
		commit = id
	}
	files, ok := repo.commits[commit]
	h.mu.Unlock()
	switch {
	case !ok:
		refuse(w, http.StatusNotFound, "RevisionNotFound", "Invalid rev id: "+revision)
	case isAPI && kind == "revision":
		answer(w, map[string]any{"id": name, "modelId": name, "sha": commit, "private": false, "gated": false})
	case isAPI && kind == "tree":
		h.tree(w, r, files)
	case !isAPI && kind == "resolve":
		h.resolve(w, r, commit, files, unescape(file))
	default:
		refuse(w, http.StatusNotFound, "", "Not Found")
	}
}

// admit finds a repository, or answers why who asks may not have it. The Hub does not
// tell a private repository from a missing one.
func (h *Hub) admit(w http.ResponseWriter, r *http.Request, name string) (*repo, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	repo := h.repos[name]
	given := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case given != "" && given != h.token:
		refuse(w, http.StatusUnauthorized, "", "Invalid credentials in Authorization header")
	case h.token != "" && given == "", repo == nil:
		refuse(w, map[bool]int{true: http.StatusUnauthorized, false: http.StatusNotFound}[given == ""], "RepoNotFound", "Repository not found")
	case repo.movedTo != "":
		http.Redirect(w, r, strings.Replace(r.URL.RequestURI(), name, repo.movedTo, 1), http.StatusTemporaryRedirect)
	case repo.gated:
		refuse(w, http.StatusForbidden, "GatedRepo", "Access to model "+name+" is restricted and you are not in the authorized list")
	default:
		return repo, true
	}
	return nil, false
}

func (h *Hub) tree(w http.ResponseWriter, r *http.Request, files map[string]file) {
	paths := slices.Sorted(maps.Keys(files))
	after, _ := base64.URLEncoding.DecodeString(r.URL.Query().Get("cursor"))
	start, found := slices.BinarySearch(paths, string(after))
	if found {
		start++
	}
	page := paths[start:min(start+pageSize, len(paths))]
	if start+pageSize < len(paths) {
		query := r.URL.Query()
		query.Set("cursor", base64.URLEncoding.EncodeToString([]byte(page[len(page)-1])))
		w.Header().Set("Link", fmt.Sprintf("<%s%s?%s>; rel=\"next\"", h.hub.URL, r.URL.EscapedPath(), query.Encode()))
	}
	entries := []map[string]any{{"type": "directory", "oid": strings.Repeat("0", 40), "size": 0, "path": "a-folder"}}
	for _, path := range page {
		f := files[path]
		e := map[string]any{"type": "file", "oid": f.oid, "size": f.content.Size, "path": path}
		if f.sha256 != "" {
			e["lfs"] = map[string]any{"oid": f.sha256, "size": f.content.Size, "pointerSize": 135}
			e["xetHash"] = f.sha256
		}
		entries = append(entries, e)
	}
	answer(w, entries)
}

func (h *Hub) resolve(w http.ResponseWriter, r *http.Request, commit string, files map[string]file, path string) {
	f, ok := files[path]
	if !ok {
		refuse(w, http.StatusNotFound, "EntryNotFound", "Entry not found")
		return
	}
	w.Header().Set("X-Repo-Commit", commit)
	if f.sha256 == "" {
		w.Header().Set("ETag", strconv.Quote(f.oid))
		serve(w, r, f.content)
		return
	}
	h.mu.Lock()
	h.issued++
	signature := strconv.Itoa(h.issued)
	h.signed[signature] = true
	h.mu.Unlock()
	w.Header().Set("X-Linked-Etag", strconv.Quote(f.sha256))
	w.Header().Set("X-Linked-Size", strconv.FormatInt(f.content.Size, 10))
	http.Redirect(w, r, h.content.URL+"/xet-bridge-us/"+f.sha256+"?X-Amz-Signature="+signature, http.StatusFound)
}

// serveBlob is the content network.
func (h *Hub) serveBlob(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	content, ok := h.blobs[r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]]
	valid := h.signed[r.URL.Query().Get("X-Amz-Signature")]
	h.mu.Unlock()
	switch {
	case r.Header.Get("Authorization") != "":
		http.Error(w, "Only one auth mechanism allowed", http.StatusBadRequest)
	case !valid:
		http.Error(w, "Request has expired", http.StatusForbidden)
	case !ok:
		http.NotFound(w, r)
	default:
		w.Header().Set("ETag", `"an-etag-of-the-content-network"`)
		serve(w, r, content)
	}
}

func serve(w http.ResponseWriter, r *http.Request, c Content) {
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, "", time.Time{}, io.NewSectionReader(c, 0, c.Size))
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client is gone: it knows
}

func unescape(s string) string {
	plain, err := url.PathUnescape(s)
	if err != nil {
		return s
	}
	return plain
}
