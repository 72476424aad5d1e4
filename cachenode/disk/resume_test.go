// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/hoist-dev/hoist/cachenode"
)

// After a reboot what is there is looked at, which may take minutes. Cut short, by a cancellation or by a disk that fails, it costs nothing that was verified.
func TestIngest_ALookThatIsCutShortLosesNothing(t *testing.T) {
	t.Parallel()
	for name, cut := range map[string]func(cancel context.CancelFunc) error{
		"canceled":   func(cancel context.CancelFunc) error { cancel(); return nil },
		"disk fails": func(context.CancelFunc) error { return errors.New("input/output error") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newModel("m", map[string]tagged{"w": {1, 2*cachenode.ChunkSize + 77}})
			s := openStore(t, privateDir(t), Options{life: "first"})
			f := m.Files[0]
			verified := func(ctx context.Context, s *Store, fill bool) (held int, err error) {
				filling, err := s.Begin(ctx, m.Manifest)
				if err != nil {
					t.Fatal(err)
				}
				defer filling.End()
				in, err := filling.Ingest(ctx, f)
				if err != nil {
					return 0, err
				}
				for i := range cachenode.Chunks(f.Size) {
					if fill {
						err = errors.Join(err, ingestChunk(in, f, m.content["w"], i))
					}
					if _, ok := in.Verified(i); ok {
						held++
					}
				}
				return held, errors.Join(err, in.Close(false))
			}
			if held, err := verified(t.Context(), s, true); held != 3 || err != nil {
				t.Fatalf("%d chunks, %v", held, err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			records := 0
			s.options.life, s.options.hook = "second", func(op Op) error {
				if op.Kind != "write" || !strings.Contains(op.Path, "/journal") {
					return nil
				}
				if records++; records != 2 { // of the header and the first chunk
					return nil
				}
				return cut(cancel)
			}
			s = reopen(t, s)
			if held, err := verified(ctx, s, false); err == nil {
				t.Fatalf("the look was not cut short: %d chunks", held)
			}
			s.options.life, s.options.hook = "third", nil
			s = reopen(t, s)
			if held, err := verified(t.Context(), s, false); held != 3 || err != nil {
				t.Errorf("%d chunks are held, %v: want 3", held, err)
			}
			s.options.life = "third"
			s = reopen(t, s)
			if held, err := verified(t.Context(), s, false); held != 3 || err != nil {
				t.Errorf("in the same life %d chunks are held, %v: want 3", held, err)
			}
		})
	}
}
