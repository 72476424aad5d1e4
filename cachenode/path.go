// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cachenode

import (
	"fmt"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of a path on every file system that a node is likely to have.
const (
	maxPath = 1024 // bytes of the whole relative path
	maxName = 255  // bytes of one element: NAME_MAX of Linux
)

// Reserved is the one name at the top of a model directory that belongs to Hoist.
const Reserved = ".hoist"

// CleanKey turns what is left of an object key behind its prefix into a safe
// relative path, or refuses it: nothing that CleanKey returns can leave the
// directory it is opened in, collide with Hoist's own files, or be shown to a
// person as something else than it is. It never rewrites: a key that is not
// already clean is hostile or a mistake, and both deserve an error.
func CleanKey(key string) (string, error) {
	if why := keyFault(key); why != "" {
		return "", &Error{
			Kind: ErrUnsafe, Op: "accept key", Subject: fmt.Sprintf("%q", clip(key)), Err: fmt.Errorf("%s", why),
			Hint: "rename the object, or leave it out with --exclude",
		}
	}
	return key, nil
}

func keyFault(key string) string {
	switch {
	case key == "":
		return "empty path"
	case len(key) > maxPath:
		return fmt.Sprintf("path of %d bytes, at most %d are allowed", len(key), maxPath)
	case !utf8.ValidString(key):
		return "not UTF-8"
	case strings.HasPrefix(key, "/"):
		return "absolute path"
	case strings.Contains(key, "\\"):
		return "backslash"
	case strings.ContainsFunc(key, deceptive):
		return "control or formatting character"
	}
	for name := range strings.SplitSeq(key, "/") {
		if why := nameFault(name); why != "" {
			return why
		}
	}
	if top, _, _ := strings.Cut(key, "/"); strings.EqualFold(top, Reserved) {
		return "the name " + Reserved + " is reserved"
	}
	return ""
}

func nameFault(name string) string {
	switch {
	case name == "":
		return "empty path element"
	case len(name) > maxName:
		return fmt.Sprintf("path element of %d bytes, at most %d are allowed", len(name), maxName)
	case strings.Trim(foldDots(name), ".") == "":
		return "path element of dots"
	case strings.TrimSpace(name) != name:
		return "path element that begins or ends with a space"
	}
	return ""
}

// deceptive finds what would make a name look like another one on a terminal:
// control characters, and formatting characters such as the right-to-left override.
func deceptive(r rune) bool {
	return unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r)
}

// foldDots maps the characters that Unicode normalisation (NFKC) or a font turns
// into full stops, so that "․․" is judged as "..".
func foldDots(name string) string {
	return strings.NewReplacer("\u2024", ".", "\u2025", "..", "\u2026", "...", "\uff0e", ".", "\ufe52", ".").Replace(name)
}

// clashes finds two paths that cannot live in one directory on every file system:
// the same path, the same but for case, or a file where another needs a directory.
func clashes(paths []string) error {
	files := make(map[string]string, len(paths))
	for _, p := range paths {
		folded := foldCase(p)
		if other, ok := files[folded]; ok {
			return clash(p, other, "differ only in case, or not at all")
		}
		files[folded] = p
	}
	for _, p := range paths {
		for dir := path.Dir(foldCase(p)); dir != "."; dir = path.Dir(dir) {
			if other, ok := files[dir]; ok {
				return clash(p, other, "need one name as a file and as a directory")
			}
		}
	}
	return nil
}

// foldCase makes equal what strings.EqualFold calls equal.
func foldCase(s string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			least = min(least, other)
		}
		return least
	}, s)
}

func clash(a, b, why string) error {
	return &Error{
		Kind: ErrUnsafe, Op: "accept keys", Subject: fmt.Sprintf("%q and %q", clip(a), clip(b)), Err: fmt.Errorf("%s", why),
		Hint: "rename one, or leave it out with --exclude",
	}
}
