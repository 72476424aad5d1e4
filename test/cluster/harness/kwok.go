// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

const (
	// SimulatedLabel marks the nodes that KWOK keeps alive. They have a taint of the same name, so that only pods that tolerate
	// it are placed there.
	SimulatedLabel = "kwok.x-k8s.io/node"
	simulatedValue = "fake"
	// creators bounds how many nodes are made at the same time.
	creators = 32
	// leaseSeconds is how long the lease of a simulated node lasts. Each is renewed in a quarter of it: 33 writes a second for
	// a thousand.
	leaseSeconds = 120
)

// nodeGrace is after how much silence a node is lost. That a real one is, a test may wait for. Simulated ones are never meant to
// be, and on a busy machine their leases come late; a pod on a node that was lost for a moment is never Ready again, for nobody
// says so a second time.
func (o Options) nodeGrace() time.Duration {
	if o.KWOK > 0 {
		return leaseSeconds * 2 * time.Second
	}
	return 12 * time.Second
}

// startKWOK makes that many simulated nodes, the pods of which run nothing, and returns when all of them have been made.
func (c *Cluster) startKWOK(ctx context.Context, nodes int) error {
	if err := c.applyCRDs(ctx, c.tools.KWOKCRDs); err != nil {
		return err
	}
	// A kind whose names are taken is served a moment later.
	if err := Await(ctx, "stages to be served", func(ctx context.Context) (bool, error) {
		err := c.applyFile(ctx, c.tools.KWOKStages)
		return err == nil, err
	}); err != nil {
		return err
	}
	service := addon("kwok", c.tools.KWOK, nil,
		"--kubeconfig="+c.Kubeconfig(),
		"--manage-nodes-with-annotation-selector="+SimulatedLabel+"="+simulatedValue,
		"--enable-crds=Stage",
		"--node-lease-duration-seconds="+strconv.Itoa(leaseSeconds))
	if err := c.state.Hub.Start(ctx, service); err != nil {
		return err
	}
	client, err := c.Client()
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(creators)
	for i := range nodes {
		group.Go(func() error { return createSimulated(ctx, client, i) })
	}
	return group.Wait()
}

func createSimulated(ctx context.Context, client kubernetes.Interface, i int) error {
	name := fmt.Sprintf("sim-%04d", i)
	capacity := corev1.ResourceList{
		corev1.ResourceCPU:    resource.MustParse("32"),
		corev1.ResourceMemory: resource.MustParse("256Gi"),
		corev1.ResourcePods:   resource.MustParse("110"),
		"nvidia.com/gpu":      resource.MustParse("8"),
	}
	node := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name:        name,
			Annotations: map[string]string{SimulatedLabel: simulatedValue},
			Labels:      map[string]string{SimulatedLabel: simulatedValue, corev1.LabelHostname: name, corev1.LabelOSStable: "linux"},
		},
		Spec:   corev1.NodeSpec{Taints: []corev1.Taint{{Key: SimulatedLabel, Value: simulatedValue, Effect: corev1.TaintEffectNoSchedule}}},
		Status: corev1.NodeStatus{Capacity: capacity, Allocatable: capacity},
	}
	if _, err := client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("make the simulated node %s: %w", name, err)
	}
	return nil
}
