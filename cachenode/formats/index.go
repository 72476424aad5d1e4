// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package formats

import (
	"errors"
	"fmt"
	"io"

	"github.com/hoist-dev/hoist/cachenode"
)

// checkIndex reads the index of a sharded model, size bytes of JSON, and makes sure
// that the files it names are in the model's own directory: loaders open them as they
// are written. An index that r ends in the middle of is io.ErrUnexpectedEOF.
func checkIndex(r io.Reader, size int64) error {
	t := newTokens(r, size)
	return t.verdict(parseIndex(t))
}

func parseIndex(t *tokens) error {
	if err := t.delim('{'); err != nil {
		return err
	}
	found := false
	for t.more() {
		field, err := t.text()
		if err != nil {
			return err
		}
		if field == "weight_map" {
			found = true
			err = checkWeightMap(t)
		} else {
			err = t.skip()
		}
		if err != nil {
			return fmt.Errorf("%.80q: %w", field, err)
		}
	}
	if err := errors.Join(t.delim('}'), t.end()); err != nil {
		return err
	}
	if !found {
		return errors.New("it has no weight_map")
	}
	return nil
}

// checkWeightMap takes a map of tensor names to file names.
func checkWeightMap(t *tokens) error {
	if err := t.delim('{'); err != nil {
		return err
	}
	for t.more() {
		if _, err := t.text(); err != nil {
			return err
		}
		name, err := t.text()
		if err != nil {
			return err
		}
		if _, err := cachenode.CleanKey(name); err != nil {
			return fmt.Errorf("it leads out of the model: %w", err)
		}
	}
	return t.delim('}')
}
