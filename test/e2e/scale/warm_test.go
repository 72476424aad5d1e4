// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package scale_test

import (
	"context"
	"fmt"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// A start on a node that has the weights is told as such, by its agent's own word.
func TestColdStart_OnAWarmNodeIsToldAsSuch(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.Apply(`
apiVersion: hoist.dev/v1alpha1
kind: Prefetch
metadata: {name: everywhere, namespace: NAMESPACE}
spec: {modelName: llama, nodes: {}}
`)
	s.Await("the weights to be everywhere", func(ctx context.Context) (bool, error) {
		var f v1alpha1.Prefetch
		if err := s.Hoist.Get(ctx, client.ObjectKey{Namespace: s.Name, Name: "everywhere"}, &f); err != nil {
			return false, err
		}
		if c := f.Status.Copies; c.Total != 2 || c.Ready != 2 {
			return false, fmt.Errorf("of %d copies %d are there", c.Total, c.Ready)
		}
		return true, nil
	})
	s.server("llama", 1, ", hoist.dev/scale: 'true'")
	p := s.policy("llama", "told of a start", func(p *v1alpha1.ScalePolicy) bool { return p.Status.ColdStart != nil })
	c := p.Status.ColdStart
	if start := c.Recent[0]; start.Weights != v1alpha1.WarmState || start.Images != v1alpha1.WarmState || start.Accelerator != accelerator || c.Model != s.Name+"/llama" {
		t.Errorf("it met %+v of %s", start, c.Model)
	}
	if len(c.Groups) != 1 || c.Groups[0].Weights != v1alpha1.WarmState || c.Groups[0].Starts != 1 || c.Groups[0].P90Seconds != c.P90Seconds {
		t.Errorf("groups are %+v", c.Groups)
	}
}
