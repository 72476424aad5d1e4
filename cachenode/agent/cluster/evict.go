// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"errors"
	"time"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/cachenode"
)

// evict removes the node's copy of a Model whose owner asked for it, if nobody wanted or used it since. A copy that a pod uses stays.
func (r *Reconciler) evict(model *v1alpha1.Model, name string) error {
	text, ok := model.Annotations[v1alpha1.EvictBeforeAnnotation]
	if !ok {
		return nil
	}
	before, err := time.Parse(time.RFC3339, text)
	if err != nil {
		r.Log.Warn("annotation not understood", "model", name, "annotation", v1alpha1.EvictBeforeAnnotation, "err", err)
		return nil
	}
	rev, ok := r.Node.Store.Named(name)
	if !ok {
		return nil
	}
	names, copies := present(r.Node.Store)
	held, ok := copies[rev]
	if !ok || held.LastUsed.After(before) {
		return nil
	}
	sharers := 0
	for _, other := range names {
		if other == rev {
			sharers++
		}
	}
	if sharers > 1 { // its bytes are those of another Model too
		return r.Node.Forget(name)
	}
	if err := r.Node.Store.Evict(rev); errors.Is(err, cachenode.ErrInUse) {
		return nil
	} else if err != nil {
		return err
	}
	r.Log.Info("copy evicted, as its Model asks", "model", name, "revision", rev)
	return nil
}
