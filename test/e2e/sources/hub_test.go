// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package sources_test

import (
	"strings"
	"testing"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/test/hubtest"
)

// A private repository of the Hub (a stand-in) is read with the token of a Secret, and lies in the pod under its own commit.
func TestHub_IsReadUnderItsCommit(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	hub := hubtest.NewOn(s.listen(), s.listen())
	t.Cleanup(hub.Close)
	const token = "hf_canary_never_to_be_seen"
	hub.RequireToken(token)
	contents := files(t, 12)
	var head string
	for path, content := range contents {
		head = hub.Put("team/llama", path, hubtest.Bytes(content), strings.HasSuffix(path, ".safetensors"))
	}
	s.secret("hub", "HF_TOKEN: "+token)
	spec := `source: "hf://team/llama", hf: {endpoint: "` + hub.URL() + `"}`
	s.model("llama", spec+", credentials: {secretName: hub}, layout: {huggingFace: {}}")
	s.prefetch("llama")
	if commit := s.fromHub(s.reader("llama"), "team/llama", contents); commit != head {
		t.Errorf("main is %s, want %s", commit, head)
	}
	s.secret("wrong", "HF_TOKEN: hf_another_never_to_be_seen")
	if said := s.refused("denied", spec+", credentials: {secretName: wrong}", v1alpha1.SourceDeniedReason); strings.Contains(said, "never_to_be_seen") {
		t.Errorf("a token is said: %s", said)
	}
	// The Hub tells who has no token that there is no such repository.
	if said := s.refused("nobody", spec, v1alpha1.SourceNotFoundReason); !strings.Contains(said, "HF_TOKEN") {
		t.Errorf("no word of a token: %s", said)
	}
}
