// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
)

const (
	// startLimit bounds each stage of a start; on a busy machine they take a tenth of it.
	startLimit = 2 * time.Minute
	pollEvery  = 50 * time.Millisecond
)

// Await asks done again and again until it says yes. When ctx or two minutes end before that, the error says what was waited for
// and what done said last.
func Await(ctx context.Context, what string, done func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	var last error
	err := wait.PollUntilContextCancel(ctx, pollEvery, true, func(ctx context.Context) (bool, error) {
		ok, err := done(ctx)
		if err != nil && ctx.Err() == nil {
			last = err
		}
		return ok && err == nil, nil
	})
	if err != nil {
		return fmt.Errorf("wait for %s: %w", what, errors.Join(err, last))
	}
	return nil
}

func (c *Cluster) awaitAPI(ctx context.Context) error {
	client, err := c.Client()
	if err != nil {
		return err
	}
	return Await(ctx, "the API server", func(ctx context.Context) (bool, error) {
		return true, client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	})
}

// awaitServiceAccount waits for what the controller manager does last before pods can be made.
func (c *Cluster) awaitServiceAccount(ctx context.Context) error {
	client, err := c.Client()
	if err != nil {
		return err
	}
	return Await(ctx, "the default service account", func(ctx context.Context) (bool, error) {
		_, err := client.CoreV1().ServiceAccounts(metav1.NamespaceDefault).Get(ctx, "default", metav1.GetOptions{})
		return true, err
	})
}

// AwaitNodes waits until every node is Ready, simulated ones included.
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
			if !nodeReady(&nodes.Items[i]) {
				return false, fmt.Errorf("node %s is not Ready", nodes.Items[i].Name)
			}
		}
		return true, nil
	})
}

func nodeReady(node *corev1.Node) bool {
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}
