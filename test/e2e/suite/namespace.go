// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package suite

import (
	"context"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/test/cluster/harness"
)

// Namespace is a test's own part of the suite's cluster.
type Namespace struct {
	Name    string
	Cluster *harness.Cluster
	Client  kubernetes.Interface
	Hoist   client.Client // for our kinds

	tb testing.TB
}

// kept are the kinds that are in the logs when a namespace's test has failed. Not every suite has ours.
var kept = []string{"pods,deployments,events", "models,prefetches,scalepolicies"}

// NewNamespace makes one with these labels, and removes it with all that is in it when the test ends.
func NewNamespace(tb testing.TB, labels map[string]string) Namespace {
	tb.Helper()
	cluster := Cluster(tb)
	kube, err := cluster.Client()
	if err != nil {
		tb.Fatal(err)
	}
	hoist, err := hoistClient(cluster)
	if err != nil {
		tb.Fatal(err)
	}
	made, err := kube.CoreV1().Namespaces().Create(tb.Context(),
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-", Labels: labels}}, metav1.CreateOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		ctx := context.WithoutCancel(tb.Context())
		if tb.Failed() {
			for _, kinds := range kept {
				keep(ctx, cluster, made.Name+"-"+kinds+".yaml", "--namespace="+made.Name, "get", kinds, "--output=yaml")
			}
		}
		if err := kube.CoreV1().Namespaces().Delete(ctx, made.Name, metav1.DeleteOptions{}); err != nil {
			tb.Error(err)
		}
	})
	return Namespace{Name: made.Name, Cluster: cluster, Client: kube, Hoist: hoist, tb: tb}
}

// Apply applies manifests, in which NAMESPACE stands for the namespace and IMAGE for the image of test pods.
func (n Namespace) Apply(manifests string) {
	n.tb.Helper()
	manifests = strings.NewReplacer("NAMESPACE", n.Name, "IMAGE", harness.TestPodImage).Replace(manifests)
	if err := n.Cluster.Apply(n.tb.Context(), manifests); err != nil {
		n.tb.Fatal(err)
	}
}

// Kubectl runs kubectl in the namespace, with all rights.
func (n Namespace) Kubectl(ctx context.Context, arguments ...string) (string, error) {
	return n.Cluster.Kubectl(ctx, append([]string{"--namespace=" + n.Name}, arguments...)...)
}

// Await fails the test when done has not said yes in time.
func (n Namespace) Await(what string, done func(context.Context) (bool, error)) {
	n.tb.Helper()
	if err := harness.Await(n.tb.Context(), what, done); err != nil {
		n.tb.Fatal(err)
	}
}

// AwaitReady waits for that many pods with the label app to be Ready, and none beside them, and gives them.
func (n Namespace) AwaitReady(app string, count int) []corev1.Pod {
	n.tb.Helper()
	var ready []corev1.Pod
	n.Await(fmt.Sprintf("%d pods of %s to be Ready", count, app), func(ctx context.Context) (bool, error) {
		pods, err := n.Client.CoreV1().Pods(n.Name).List(ctx, metav1.ListOptions{LabelSelector: "app=" + app})
		if err != nil {
			return false, err
		}
		ready = ready[:0]
		for i := range pods.Items {
			if PodReady(&pods.Items[i]) {
				ready = append(ready, pods.Items[i])
			}
		}
		if len(ready) != count || len(pods.Items) != count {
			return false, fmt.Errorf("%d of %d pods are Ready: %s", len(ready), len(pods.Items), describe(pods.Items))
		}
		return true, nil
	})
	return ready
}

// PodReady tells whether the pod is Ready and is to stay.
func PodReady(pod *corev1.Pod) bool {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady {
			return condition.Status == corev1.ConditionTrue && pod.DeletionTimestamp == nil
		}
	}
	return false
}

// describe says why pods are not what they should be.
func describe(pods []corev1.Pod) string {
	var said []string
	for i := range pods {
		pod := &pods[i]
		why := []string{pod.Name, string(pod.Status.Phase)}
		for _, container := range pod.Status.ContainerStatuses {
			if waiting := container.State.Waiting; waiting != nil {
				why = append(why, waiting.Reason, waiting.Message)
			}
		}
		said = append(said, strings.Join(why, " "))
	}
	return strings.Join(said, "; ")
}
