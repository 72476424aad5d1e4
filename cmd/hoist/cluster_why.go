// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/capacity"
	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/prefetch"
	"github.com/hoist-dev/hoist/prefetch/plan"
	"github.com/hoist-dev/hoist/prefetch/view"
)

func newWhy(dial dialer) *cobra.Command {
	a := access{dial: dial}
	cmd := &cobra.Command{
		Use:   "why POD",
		Short: "Say what a pod of the cluster waits for",
		Long: `Say in a sentence what a pod of a cluster waits for: a node, a Model, a download, or nothing of Hoist's.

  hoist why web-0 -n team-a
  pod team-a/web-0 waits for model llama3-8b on node gpu-3: 11.5Gi of 15.0Gi are there, 295.6Mi/s, 12s left`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.dial(&a)
			if err != nil {
				return err
			}
			s, err := readScene(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), view.Why(s))
			return err
		},
	}
	a.addFlags(cmd)
	a.addNamespace(cmd)
	return cmd
}

// readScene reads what there is about a pod. What of its node may not be read is left out.
func readScene(ctx context.Context, c cluster, name string) (view.Scene, error) {
	s := view.Scene{Pod: new(corev1.Pod), Models: map[plan.Key]*v1alpha1.Model{}, Now: time.Now(), Silence: prefetch.Silence}
	if err := c.Get(ctx, client.ObjectKey{Namespace: c.namespace, Name: name}, s.Pod); err != nil {
		return s, explain("read the pod "+c.namespace+"/"+name, err)
	}
	for _, claim := range view.Claims(s.Pod) {
		model, err := readModel(ctx, c, claim.Model)
		if err != nil {
			return s, err
		}
		if model != nil {
			s.Models[claim.Model] = model
		}
	}
	var events corev1.EventList
	if err := c.List(ctx, &events, client.InNamespace(c.namespace), client.MatchingFields{"involvedObject.name": name}); err != nil {
		return s, explain("list the events of the pod", err)
	}
	for i := range events.Items {
		if events.Items[i].InvolvedObject.UID == s.Pod.UID {
			s.Events = append(s.Events, events.Items[i])
		}
	}
	err := readNode(ctx, c, &s)
	return s, err
}

// readModel is nil where there is none.
func readModel(ctx context.Context, c cluster, key plan.Key) (*v1alpha1.Model, error) {
	if key.Name == "" {
		return nil, nil //nolint:nilnil // the view says that the volume names none
	}
	model := new(v1alpha1.Model)
	err := c.Get(ctx, client.ObjectKey{Namespace: key.Namespace, Name: key.Name}, model)
	if apierrors.IsNotFound(err) {
		return nil, nil //nolint:nilnil // the view says that there is none
	}
	return model, explain("read Model "+key.String(), err)
}

// needModel fails where there is none.
func needModel(ctx context.Context, c cluster, key plan.Key) (*v1alpha1.Model, error) {
	model, err := readModel(ctx, c, key)
	if err == nil && model == nil {
		err = &clusterError{cachenode.ErrNotFound, fmt.Sprintf("there is no Model %s in namespace %s", key.Name, key.Namespace), "hoist models -A lists them", nil}
	}
	return model, err
}

// readNode reads what the cluster says of the pod's node.
func readNode(ctx context.Context, c cluster, s *view.Scene) error {
	if s.Pod.Spec.NodeName == "" {
		readGPUs(ctx, c, s)
		return nil
	}
	key := client.ObjectKey{Name: s.Pod.Spec.NodeName}
	cache, csi := new(v1alpha1.CacheNode), new(storagev1.CSINode)
	switch err := c.Get(ctx, key, cache); {
	case err == nil:
		s.CacheNode = cache
	case !apierrors.IsNotFound(err) && !apierrors.IsForbidden(err) && !meta.IsNoMatchError(err):
		return explain("read CacheNode "+key.Name, err)
	}
	switch err := c.Get(ctx, key, csi); {
	case err == nil:
		s.CSINode = csi
	case apierrors.IsForbidden(err):
		s.Hidden = true
	case !apierrors.IsNotFound(err):
		return explain("read CSINode "+key.Name, err)
	}
	return nil
}

// readGPUs reads what a pod without a node could have; who may not read it is told less.
func readGPUs(ctx context.Context, c cluster, s *view.Scene) {
	var all v1alpha1.CacheNodeList
	if err := c.List(ctx, &all); err == nil {
		for i := range all.Items {
			for _, g := range all.Items[i].Status.GPUs {
				s.BiggestGPU = max(s.BiggestGPU, g.TotalBytes)
			}
		}
	}
	if w, err := readWorld(ctx, c); err == nil {
		fit := capacity.Fit(s.Pod, w)
		s.Fit = &fit
	}
}
