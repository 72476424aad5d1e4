// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/cachetest"
)

// readable shows the suite what a Store published.
type readable struct{ *Store }

func (r readable) ReadFile(rev cachenode.Revision, name string) ([]byte, error) {
	return os.ReadFile(filepath.Join(r.Path(rev), name))
}

func TestStore_KeepsTheContractOfItsPort(t *testing.T) {
	t.Parallel()
	cachetest.Store(t, func(t *testing.T) cachenode.Store {
		t.Helper()
		return readable{openStore(t, fastDir(t), Options{MaxBytes: 256 * mib})}
	})
}

// readableDir shows the suite the one revision that a Dir holds.
type readableDir struct {
	*Dir
	at string
}

func (r readableDir) ReadFile(rev cachenode.Revision, name string) ([]byte, error) {
	m, err := r.Manifest()
	if err == nil && m.Revision() != rev {
		err = fmt.Errorf("it holds %s", m.Revision().Short())
	}
	if err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(r.at, name))
}

func TestDir_KeepsTheContractOfItsPort(t *testing.T) {
	t.Parallel()
	cachetest.Store(t, func(t *testing.T) cachenode.Store {
		t.Helper()
		at := fastDir(t)
		return readableDir{openDir(t, at, DirOptions{}), at}
	})
}
