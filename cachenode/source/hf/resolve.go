// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package hf

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"

	"github.com/hoist-dev/hoist/cachenode"
)

// defaultRevision is the branch of a URI without one.
const defaultRevision = "main"

// commitName is a commit as the Hub has it.
var commitName = regexp.MustCompile(`^[0-9a-f]{40}$`)

// Resolve implements [cachenode.Source].
func (s *Source) Resolve(ctx context.Context, ref cachenode.Ref, sel cachenode.Selection) (cachenode.Manifest, error) {
	if ref.Scheme != Scheme {
		return cachenode.Manifest{}, &cachenode.Error{Kind: cachenode.ErrInvalid, Op: "resolve", Subject: ref.String(), Err: fmt.Errorf("want %s://", Scheme)}
	}
	at := target{"resolve", ref.String()}
	commit, err := s.commit(ctx, at, ref)
	if err != nil {
		return cachenode.Manifest{}, err
	}
	tree, err := s.tree(ctx, at, ref.Bucket, commit)
	if err != nil {
		return cachenode.Manifest{}, err
	}
	prefix, found := under(tree, ref)
	if len(found) == 0 {
		return cachenode.Manifest{}, &cachenode.Error{Kind: cachenode.ErrNotFound, Op: at.op, Subject: at.uri,
			Err: fmt.Errorf("none of %d files has that path", len(tree)), Hint: "check the path in the repository"}
	}
	files, err := choose(found, prefix, sel)
	if err != nil {
		return cachenode.Manifest{}, err
	}
	if len(files) == 0 {
		return cachenode.Manifest{}, &cachenode.Error{Kind: cachenode.ErrNotFound, Op: at.op, Subject: at.uri,
			Err: fmt.Errorf("none of %d files is selected", len(found)), Hint: "check --include and --exclude"}
	}
	origin := cachenode.Origin{Scheme: Scheme, Endpoint: s.origin, Bucket: ref.Bucket, Prefix: prefix, Commit: commit}
	return cachenode.NewManifest(origin, files) //nolint:wrapcheck // a fault of this domain
}

// commit asks what the revision of ref is now.
func (s *Source) commit(ctx context.Context, at target, ref cachenode.Ref) (commit string, err error) {
	u := s.base.JoinPath("api", "models", ref.Bucket, "revision").JoinPath(segment(cmp.Or(ref.VersionID, defaultRevision)))
	err = s.persist(ctx, at, func(ctx context.Context) error {
		return s.ask(ctx, at, u, func(answer *http.Response) error {
			var info struct {
				SHA string `json:"sha"`
			}
			if err := decode(answer.Body, &info); err != nil {
				return err
			}
			if !commitName.MatchString(info.SHA) {
				return &cachenode.Error{Kind: cachenode.ErrUnavailable, Op: at.op, Subject: at.uri, Err: errors.New("the answer names no commit"), Hint: "is the endpoint a hub?"}
			}
			commit = info.SHA
			return nil
		})
	})
	return commit, err
}

// maxAnswer bounds one answer of the API, in bytes: a page of 1000 files has some 300 KB.
const maxAnswer = 32 << 20

func decode(r io.Reader, into any) error {
	raw, err := io.ReadAll(io.LimitReader(r, maxAnswer+1))
	switch {
	case err != nil:
		return err //nolint:wrapcheck // unanswered classifies it
	case len(raw) > maxAnswer:
		return fmt.Errorf("an answer of more than %d bytes", maxAnswer)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("the answer is not what a hub says: %w", err)
	}
	return nil
}

// under picks the files that ref names, and what is in front of their paths: those of a
// directory, or else the one file.
func under(tree []entry, ref cachenode.Ref) (prefix string, found []entry) {
	prefix = ref.Key
	if prefix != "" && !strings.HasSuffix(prefix, "/") {
		prefix += "/"
	}
	for _, e := range tree {
		if strings.HasPrefix(e.Path, prefix) {
			found = append(found, e)
		}
	}
	if len(found) > 0 || ref.Dir() {
		return prefix, found
	}
	for _, e := range tree {
		if e.Path == ref.Key {
			return ref.Key[:strings.LastIndex(ref.Key, "/")+1], []entry{e}
		}
	}
	return prefix, nil
}

// choose makes files of what sel takes. What is left out may have any name; what is
// taken must be a safe path.
func choose(found []entry, prefix string, sel cachenode.Selection) ([]cachenode.File, error) {
	var files []cachenode.File
	for _, e := range found {
		path := strings.TrimPrefix(e.Path, prefix)
		take, err := sel.Take(path)
		if !take && err == nil {
			continue
		}
		if _, unclean := cachenode.CleanKey(path); unclean != nil {
			return nil, unclean //nolint:wrapcheck // names the file
		}
		if err != nil {
			return nil, err //nolint:wrapcheck // names the file
		}
		f, err := e.file()
		if err != nil {
			return nil, err
		}
		f.Path = path
		files = append(files, f)
	}
	return files, nil
}
