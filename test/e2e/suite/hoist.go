// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package suite

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/test/cluster/harness"
)

func hoistClient(c *harness.Cluster) (client.Client, error) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	return client.New(c.REST(), client.Options{Scheme: scheme})
}

// AwaitCondition waits for a condition of the namespace's object of ours with this name, and returns it. reason may be "".
func (n Namespace) AwaitCondition(object client.Object, name, kind string, status metav1.ConditionStatus, reason string) metav1.Condition {
	n.tb.Helper()
	object.SetNamespace(n.Name)
	object.SetName(name)
	var found *metav1.Condition
	n.Await(fmt.Sprintf("%T %s to be %s %s", object, name, kind, reason), func(ctx context.Context) (bool, error) {
		if err := n.Hoist.Get(ctx, client.ObjectKeyFromObject(object), object); err != nil {
			return false, err
		}
		conditions := conditionsOf(object)
		found = meta.FindStatusCondition(conditions, kind)
		if found == nil || found.Status != status || reason != "" && found.Reason != reason || found.ObservedGeneration != object.GetGeneration() {
			return false, fmt.Errorf("it is %+v", conditions)
		}
		return true, nil
	})
	return *found
}

func conditionsOf(object client.Object) []metav1.Condition {
	switch o := object.(type) {
	case *v1alpha1.Model:
		return o.Status.Conditions
	case *v1alpha1.Prefetch:
		return o.Status.Conditions
	case *v1alpha1.CacheNode:
		return o.Status.Conditions
	}
	return nil
}

// Read reads a file through a pod whose server is the test pod's serve, on port 8080. path begins with a slash.
func (n Namespace) Read(pod corev1.Pod, path string) (code int, content []byte) {
	n.tb.Helper()
	request, err := http.NewRequestWithContext(n.tb.Context(), http.MethodGet, "http://"+net.JoinHostPort(pod.Status.PodIP, "8080")+"/files"+path, http.NoBody)
	if err != nil {
		n.tb.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		n.tb.Fatal(err)
	}
	defer response.Body.Close()
	if content, err = io.ReadAll(response.Body); err != nil {
		n.tb.Fatal(err)
	}
	return response.StatusCode, content
}

// Compare reads every file below a folder of a pod, which ends in a slash.
func (n Namespace) Compare(pod corev1.Pod, folder string, files map[string][]byte) {
	n.tb.Helper()
	for path, want := range files {
		if code, got := n.Read(pod, folder+path); code != http.StatusOK || !bytes.Equal(got, want) {
			n.tb.Errorf("pod %s reads %d bytes of %s%s with status %d, want the %d bytes of the origin", pod.Name, len(got), folder, path, code, len(want))
		}
	}
}
