// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// restore puts back what was changed. It goes on where a part of it fails.
func (b *bench) restore(ctx context.Context) error {
	var errs []error
	for _, t := range b.targets() {
		if t.touched {
			b.step("put Deployment %s back to %d replicas", t.name, t.before)
			if err := b.insist(ctx, "Deployment "+t.name.String()+" to be put back", func(ctx context.Context) error { return b.giveBack(ctx, t) }); err != nil {
				errs = append(errs, fmt.Errorf("put Deployment %s back: %w; the next benchmark does, or kubectl scale -n %s deployment %s --replicas=%d, and kubectl annotate -n %[3]s deployment %[4]s %[6]s-",
					t.name, err, t.name.Namespace, t.name.Name, t.before, ReplicasAnnotation))
			}
		}
	}
	return errors.Join(append(errs, b.restoreCopies(ctx))...)
}

// giveBack sets the replicas that t had, unless somebody else has scaled it meanwhile.
func (b *bench) giveBack(ctx context.Context, t *target) error {
	d, err := b.Kube.AppsV1().Deployments(t.name.Namespace).Get(ctx, t.name.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		b.step("somebody else has deleted Deployment %s", t.name)
		return nil
	}
	if err != nil {
		return err
	}
	if _, marked := d.Annotations[ReplicasAnnotation]; !marked {
		return nil // it was not changed, or that is done
	}
	if _, ours := markOf(d); !ours {
		b.step("somebody else has scaled Deployment %s to %d: that stays", t.name, replicasOf(d))
		return b.patch(ctx, d, nil, nil)
	}
	if err := b.lower(ctx, t, t.before, func(ctx context.Context) error { return b.patch(ctx, d, nil, &t.before) }); err != nil {
		return err
	}
	return b.gone(ctx, t, t.before)
}

// restoreCopies has the nodes that had a copy at first have one again. Where that fails, the Prefetch stays, which goes on with it.
func (b *bench) restoreCopies(ctx context.Context) error {
	if b.evicted {
		err := b.insist(ctx, "the annotations of the Model to be put back", b.stopEvicting)
		if err == nil {
			err = b.insist(ctx, "the model to be back on nodes", b.bringBack)
		}
		if err == nil {
			err = b.insist(ctx, "the annotations of the Model to be put back", b.forgetHolders)
		}
		if err != nil {
			return fmt.Errorf("bring Model %s/%s back to %s: %w; the next benchmark does, and until then the Prefetch %s may", b.model.Namespace, b.model.Name, strings.Join(b.holders(), ", "), err, b.prefetchName())
		}
	}
	if b.warmed {
		return b.insist(ctx, "the Prefetch to be deleted", b.deletePrefetch)
	}
	return nil
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
