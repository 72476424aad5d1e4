// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cachenode

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Selection says which files of an origin belong to the model. The zero value
// takes every file and refuses pickles.
//
// A pattern is a path.Match pattern, tried against the whole path and against the
// last element, so "*.safetensors" matches in every folder.
type Selection struct {
	Include     []string // empty: everything
	Exclude     []string // wins over Include
	AllowPickle bool     // take files that can run code when they are loaded
}

// Validate refuses malformed patterns.
func (s Selection) Validate() error {
	for _, pattern := range slices.Concat(s.Include, s.Exclude) {
		if _, err := path.Match(pattern, ""); err != nil {
			return &Error{Kind: ErrInvalid, Op: "parse pattern", Subject: fmt.Sprintf("%q", clip(pattern)), Err: err, Hint: `write it as "*.safetensors"`}
		}
	}
	return nil
}

// Take reports whether the file at p belongs to the model. A pickle that was not
// left out is an error, not a silent gap: a model without its weights helps nobody.
func (s Selection) Take(p string) (bool, error) {
	if len(s.Include) > 0 && !matchAny(s.Include, p) || matchAny(s.Exclude, p) {
		return false, nil
	}
	if !s.AllowPickle && PickleName(p) {
		return false, &Error{
			Kind: ErrUnsafe, Op: "accept file", Subject: fmt.Sprintf("%q", clip(p)),
			Err:  fmt.Errorf("%s files are pickles and can run code when loaded", strings.ToLower(path.Ext(p))),
			Hint: "convert it to safetensors, leave it out with --exclude '*" + path.Ext(p) + "', or say --allow-pickle",
		}
	}
	return true, nil
}

// PickleName reports whether a file of this name is a Python pickle by convention
// (CVE-2025-32434: torch.load ran code even with weights_only).
func PickleName(p string) bool {
	switch strings.ToLower(path.Ext(p)) {
	case ".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle":
		return true
	}
	return false
}

func matchAny(patterns []string, p string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		whole, _ := path.Match(pattern, p)
		base, _ := path.Match(pattern, path.Base(p))
		return whole || base
	})
}
