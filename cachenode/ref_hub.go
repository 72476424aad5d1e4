// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cachenode

import (
	"fmt"
	"strings"
)

// parseHub reads "owner/repo[@revision][/path]", as huggingface_hub's file system does: a
// revision with a slash in it, such as refs/pr/1, has %2F in its place.
// https://huggingface.co/docs/huggingface_hub/guides/hf_file_system
func parseHub(rest string) (Ref, string) {
	owner, rest, _ := strings.Cut(rest, "/")
	repo, key, _ := strings.Cut(rest, "/")
	repo, revision, pinned := strings.Cut(repo, "@")
	revision = strings.NewReplacer("%2F", "/", "%2f", "/").Replace(revision)
	switch {
	case !validRepo(owner) || !validRepo(repo):
		return Ref{}, fmt.Sprintf("%q is no repository", clip(owner+"/"+repo))
	case strings.HasPrefix(revision, "hf_") && len(revision) > 20:
		return Ref{}, "a token in place of the revision"
	case pinned && !validRevision(revision):
		return Ref{}, fmt.Sprintf("%q is no branch, tag or commit", clip(revision))
	}
	return Ref{Bucket: owner + "/" + repo, Key: key, VersionID: revision}, walkFault(key)
}

// validRepo follows the Hub's rules for each half of a repository's name.
func validRepo(name string) bool {
	return name != "" && len(name) <= 96 && strings.Trim(name, nameChars) == "" && strings.Trim(name, ".-") == name &&
		!strings.Contains(name, "..") && !strings.Contains(name, "--")
}

// validRevision accepts what git allows in the name of a reference and a URL carries as it is.
func validRevision(name string) bool {
	return name != "" && len(name) <= 255 && strings.Trim(name, nameChars+"/") == "" && !strings.HasPrefix(name, "/") &&
		!strings.HasSuffix(name, "/") && !strings.Contains(name, "//") && !strings.Contains(name, "..")
}

func (r Ref) hubString() string {
	s := "hf://" + r.Bucket
	if r.VersionID != "" {
		s += "@" + strings.ReplaceAll(r.VersionID, "/", "%2F")
	}
	if r.Key != "" {
		s += "/" + r.Key
	}
	return s
}
