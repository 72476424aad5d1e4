// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package inference_test

import (
	"testing"

	"github.com/hoist-dev/hoist/api/inference"
)

// Only a server that loads when it is asked is asked, and a hostile name stays a string.
func TestLoadRequest(t *testing.T) {
	t.Parallel()
	path, body, ok := inference.LoadRequest(inference.Ollama, `a","prompt":"b`)
	if want := `{"keep_alive":-1,"model":"a\",\"prompt\":\"b"}`; !ok || path != "/api/generate" || string(body) != want {
		t.Errorf("POST %s %s, %v", path, body, ok)
	}
	for _, kind := range []inference.Kind{inference.VLLM, "", "other"} {
		if path, _, ok := inference.LoadRequest(kind, "a"); ok {
			t.Errorf("%s is asked at %s", kind, path)
		}
	}
}
