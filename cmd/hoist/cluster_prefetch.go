// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/cachenode"
)

// fieldOwner owns the Prefetches that are written here, and managedBy labels them.
const (
	fieldOwner = "hoist-cli"
	managedBy  = "app.kubernetes.io/managed-by"
)

// newPrefetch is one of a model, for which prefix says what it is for.
func newPrefetch(prefix, model string) *v1alpha1.Prefetch {
	p := &v1alpha1.Prefetch{ObjectMeta: metav1.ObjectMeta{Name: prefix + model, Labels: map[string]string{managedBy: fieldOwner}}}
	p.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("Prefetch"))
	p.Spec.ModelName = model
	return p
}

// prefetch is what the flags say.
func (o *warmOptions) prefetch(cmd *cobra.Command, model string) (*v1alpha1.Prefetch, error) {
	if err := o.check(cmd); err != nil {
		return nil, &usageError{err}
	}
	p := newPrefetch("warm-", model)
	p.Spec.Tier = v1alpha1.Tier(o.tier)
	if o.nodes > 0 {
		p.Spec.Nodes.Count = &o.nodes
	}
	if o.percent > 0 {
		p.Spec.Nodes.Percent = &o.percent
	}
	if o.ttl > 0 {
		p.Spec.TTLAfterLastUse = &metav1.Duration{Duration: o.ttl}
	}
	if o.selector != "" {
		selector, err := metav1.ParseToLabelSelector(o.selector)
		if err != nil {
			return nil, &usageError{fmt.Errorf("--selector %q: %w", o.selector, err)}
		}
		p.Spec.Nodes.Selector = selector
	}
	return p, nil
}

// check checks the flags' values.
func (o *warmOptions) check(cmd *cobra.Command) error {
	given := cmd.Flags().Changed
	switch {
	case given("nodes") && o.nodes < 1:
		return errors.New("--nodes: want 1 or more")
	case given("percent") && (o.percent < 1 || o.percent > 100):
		return errors.New("--percent: want 1 to 100")
	case o.ttl < 0:
		return errors.New("--for: want 0 or more")
	case o.tier != string(v1alpha1.DiskTier) && o.tier != string(v1alpha1.MemoryTier):
		return fmt.Errorf("--tier %q: want Disk or Memory", o.tier)
	}
	return nil
}

// apply writes p, and takes over its generation. What somebody else has changed in it is not written over.
func apply(ctx context.Context, c cluster, p *v1alpha1.Prefetch) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	u := &unstructured.Unstructured{}
	if err := json.Unmarshal(text, &u.Object); err != nil {
		return err
	}
	err = c.Apply(ctx, client.ApplyConfigurationFromUnstructured(u), client.FieldOwner(fieldOwner))
	if apierrors.IsConflict(err) {
		return &clusterError{cachenode.ErrInUse, fmt.Sprintf("Prefetch %s/%s was changed by others", p.Namespace, p.Name),
			"change it where they do, or delete it with kubectl delete prefetch", err}
	}
	if err != nil {
		return explain("write Prefetch "+p.Namespace+"/"+p.Name, err)
	}
	p.Generation = u.GetGeneration()
	return nil
}

// deletePrefetch deletes one that was written here.
func deletePrefetch(cmd *cobra.Command, c cluster, p *v1alpha1.Prefetch) error {
	name := p.Namespace + "/" + p.Name
	if err := c.Get(cmd.Context(), client.ObjectKeyFromObject(p), p); err != nil {
		return explain("delete Prefetch "+name, err)
	}
	if p.Labels[managedBy] != fieldOwner {
		return &clusterError{cachenode.ErrInUse, "Prefetch " + name + " was not written by " + cmd.CommandPath(), "kubectl delete prefetch deletes any", nil}
	}
	if err := c.Delete(cmd.Context(), p); err != nil {
		return explain("delete Prefetch "+name, err)
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "Prefetch %s deleted; copies stay until their room is needed\n", name)
	return err
}
