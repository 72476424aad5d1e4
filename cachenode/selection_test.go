// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cachenode_test

import (
	"errors"
	"testing"

	"github.com/hoist-dev/hoist/cachenode"
)

func TestSelection_TakesByPatternAndRefusesPickles(t *testing.T) {
	t.Parallel()
	everything := cachenode.Selection{}
	weights := cachenode.Selection{Include: []string{"*.safetensors", "tok/*"}, Exclude: []string{"original/*", "draft*"}}
	pickles := cachenode.Selection{AllowPickle: true}
	for _, test := range []struct {
		sel  cachenode.Selection
		path string
		take bool
		err  error
	}{
		{everything, "config.json", true, nil},
		{everything, "pytorch_model.bin", false, cachenode.ErrUnsafe},
		{everything, "a/B.PT", false, cachenode.ErrUnsafe},
		{everything, "x.pth", false, cachenode.ErrUnsafe},
		{everything, "x.ckpt", false, cachenode.ErrUnsafe},
		{everything, "x.pkl", false, cachenode.ErrUnsafe},
		{everything, "bin", true, nil},
		{pickles, "pytorch_model.bin", true, nil},
		{weights, "model.safetensors", true, nil},
		{weights, "deep/er/model.safetensors", true, nil},
		{weights, "original/model.safetensors", false, nil},
		{weights, "x/draft.safetensors", false, nil},
		{weights, "tok/vocab.json", true, nil},
		{weights, "config.json", false, nil},
		{weights, "pytorch_model.bin", false, nil},
		{cachenode.Selection{Exclude: []string{"*.bin"}}, "pytorch_model.bin", false, nil},
	} {
		take, err := test.sel.Take(test.path)
		if take != test.take || !errors.Is(err, test.err) {
			t.Errorf("%+v takes %s: %v, %v; want %v, %v", test.sel, test.path, take, err, test.take, test.err)
		}
	}
	if err := weights.Validate(); err != nil {
		t.Error(err)
	}
	if err := (cachenode.Selection{Exclude: []string{"[a"}}).Validate(); !errors.Is(err, cachenode.ErrInvalid) {
		t.Errorf("a malformed pattern: %v", err)
	}
}
