// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// restore puts back what was changed. It goes on where a part of it fails.
func (b *bench) restore(ctx context.Context) error {
	var errs []error
	for _, t := range b.targets() {
		if t.set >= 0 {
			b.step("put Deployment %s back to %d replicas", t.name, t.before)
			errs = append(errs, b.giveBack(ctx, t))
		}
	}
	if b.evicted {
		errs = append(errs, b.bringBack(ctx))
	}
	if b.warmed {
		errs = append(errs, b.deletePrefetch(ctx))
	}
	return errors.Join(errs...)
}

// giveBack sets the replicas that t had, unless somebody else has scaled it meanwhile.
func (b *bench) giveBack(ctx context.Context, t *target) error {
	deployments := b.Kube.AppsV1().Deployments(t.name.Namespace)
	d, err := deployments.Get(ctx, t.name.Name, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("put Deployment %s back to %d replicas: %w", t.name, t.before, err)
	}
	if d.Spec.Replicas != nil && *d.Spec.Replicas == t.set {
		if err := b.settle(ctx, t, t.before); err != nil {
			return err
		}
	} else {
		b.step("somebody else has scaled Deployment %s: that stays", t.name)
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]any{ReplicasAnnotation: nil}}})
	if err == nil {
		_, err = deployments.Patch(ctx, t.name.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	}
	return err
}

// bringBack has the nodes that had a copy at first have one again.
func (b *bench) bringBack(ctx context.Context) error {
	now, err := b.holdings(ctx)
	if err != nil {
		return err
	}
	list, err := b.Kube.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	var lack []corev1.Node
	var names []string
	for i := range list.Items {
		if name := list.Items[i].Name; b.before[name].ready && !now[name].ready {
			lack = append(lack, list.Items[i])
			names = append(names, name)
		}
	}
	if len(lack) == 0 {
		return nil
	}
	b.step("bring the model back to %s (interrupted, the Prefetch %s goes on with that)", strings.Join(names, ", "), b.prefetchName())
	return b.bring(ctx, lack, v1alpha1.DiskTier)
}
