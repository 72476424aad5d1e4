// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// HoldersAnnotation of a Model that is being measured names the nodes that had a copy, separated by commas: should the benchmark be killed, the next
// one brings it back to them.
const HoldersAnnotation = "hoist.dev/bench-holders"

// askAgain is after how long copies are asked again to go. One goes that was last used before it was asked, by the clock of its node, which
// may be ahead of the one here.
const askAgain = 5 * time.Second

// askToEvict has copies go that nobody wants and no pod has mounted.
func (b *bench) askToEvict(ctx context.Context) error {
	return b.annotate(ctx, map[string]any{v1alpha1.EvictBeforeAnnotation: time.Now().UTC().Format(time.RFC3339Nano), HoldersAnnotation: strings.Join(b.holders(), ",")})
}

// stopEvicting puts back what the Model said before of copies that are to go.
func (b *bench) stopEvicting(ctx context.Context) error {
	var was any
	if text, is := b.model.Annotations[v1alpha1.EvictBeforeAnnotation]; is && b.model.Annotations[HoldersAnnotation] == "" {
		was = text
	}
	return b.annotate(ctx, map[string]any{v1alpha1.EvictBeforeAnnotation: was})
}

func (b *bench) forgetHolders(ctx context.Context) error {
	return b.annotate(ctx, map[string]any{HoldersAnnotation: nil})
}

// annotate sets annotations of the Model, or removes those that are nil.
func (b *bench) annotate(ctx context.Context, annotations map[string]any) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": annotations}})
	if err == nil {
		err = b.Hoist.Patch(ctx, b.model.DeepCopy(), client.RawPatch(types.MergePatchType, patch))
	}
	if err != nil {
		return fmt.Errorf("annotate Model %s/%s: %w", b.model.Namespace, b.model.Name, err)
	}
	return nil
}

// holders are the nodes that had a copy at first.
func (b *bench) holders() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(b.before)), func(node string) bool { return !b.before[node].ready })
}

// takeOver goes on for a benchmark that was killed after it had copies go: what nodes had before is what they had before that one.
func (b *bench) takeOver() {
	left := b.model.Annotations[HoldersAnnotation]
	if left == "" {
		return
	}
	b.step("a benchmark that was killed took the model from nodes: %s had it", left)
	b.evicted = true
	for node := range strings.SplitSeq(left, ",") {
		h := b.before[node]
		h.ready = true
		b.before[node] = h
	}
}
