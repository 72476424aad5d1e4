// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/hoist-dev/hoist/test/cluster/deviceplugin"
)

const (
	// startLimit bounds each stage of a start; on a busy machine they take a twentieth of it.
	startLimit = 4 * time.Minute
	pollEvery  = 50 * time.Millisecond
)

// Await asks done again and again until it says yes. When ctx or four minutes end before that, the error says what was waited for
// and what done said last.
func Await(ctx context.Context, what string, done func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	var last error
	if err := wait.PollUntilContextCancel(ctx, pollEvery, true, func(ctx context.Context) (bool, error) {
		ok, err := done(ctx)
		if err != nil && ctx.Err() == nil {
			last = err
		}
		return ok && err == nil, nil
	}); err != nil {
		return fmt.Errorf("wait for %s: %w", what, errors.Join(context.Cause(ctx), last))
	}
	return nil
}

// AwaitNodes waits until every node is Ready and has its GPUs, simulated nodes included.
func (c *Cluster) AwaitNodes(ctx context.Context) error {
	client, err := c.Client()
	if err != nil {
		return err
	}
	return Await(ctx, "nodes to be Ready", func(ctx context.Context) (bool, error) {
		nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
		if err != nil {
			return false, err
		}
		if len(nodes.Items) < len(c.state.Nodes) {
			return false, fmt.Errorf("%d of %d nodes have registered", len(nodes.Items), len(c.state.Nodes))
		}
		for i := range nodes.Items {
			if err := c.checkReady(&nodes.Items[i]); err != nil {
				return false, err
			}
		}
		return true, nil
	})
}

// checkReady says what a node lacks.
func (c *Cluster) checkReady(node *corev1.Node) error {
	ready := slices.ContainsFunc(node.Status.Conditions, func(condition corev1.NodeCondition) bool {
		return condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue
	})
	if !ready {
		return fmt.Errorf("node %s is not Ready", node.Name)
	}
	i := slices.IndexFunc(c.state.Nodes, func(n Node) bool { return n.Name == node.Name })
	if i < 0 {
		return nil // a simulated one
	}
	gpus := node.Status.Allocatable[deviceplugin.Resource]
	if want := c.state.Nodes[i].GPU.Count; gpus.Value() != int64(want) {
		return fmt.Errorf("node %s has %d GPUs, want %d", node.Name, gpus.Value(), want)
	}
	return nil
}
