// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package result_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/hoist-dev/hoist/bench/result"
)

func written(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := result.Write(&out, result.Result{Version: result.Version, Kind: result.Local}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestWrite_ScenariosAreAListWhenThereAreNone(t *testing.T) {
	t.Parallel()
	if got := written(t); !bytes.Contains(got, []byte(`"scenarios": []`)) {
		t.Errorf("it writes %s", got)
	}
}

func TestRead_RefusesWhatFollowsAResult(t *testing.T) {
	t.Parallel()
	one := written(t)
	if r, err := result.Read(bytes.NewReader(one)); err != nil || r.Kind != result.Local {
		t.Errorf("read %+v, %v", r, err)
	}
	for _, more := range []string{string(one), "{", "rest"} {
		if _, err := result.Read(strings.NewReader(string(one) + more)); err == nil || !strings.Contains(err.Error(), "a file of its own") {
			t.Errorf("with %.10q behind it: %v", more, err)
		}
	}
}
