// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package scaler

import (
	"context"
	"errors"
	"fmt"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// Pods that are terminating are in the quota until they are gone, and no replicas: a rollout must not take the others away. Pods are listed only
// where they matter, and nobody else counts them.
func TestPolicyReconciler_KeepsTheMaximumWhilePodsTerminate(t *testing.T) {
	t.Parallel()
	two := int32(2)
	for name, row := range map[string]struct {
		used           string
		told           *int32
		running, ended int
		most           int32
		lists          int
	}{
		"two are going":        {"8", nil, 8, 3, 8, 1},
		"told of the two":      {"8", &two, 6, 0, 8, 0},
		"the quota is another": {"8", nil, 6, 3, 6, 1}, // somebody else's pods are in it
		"there is room":        {"6", nil, 8, 0, 8, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, f := scene()
			p.Spec.MaxReplicas = 8
			d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "llama"}}
			d.Spec.Template, d.Spec.Selector = f.Workload.Template, &metav1.LabelSelector{MatchLabels: map[string]string{"app": "llama"}}
			d.Status.Replicas, d.Status.TerminatingReplicas = 6, row.told
			q := quota("8", row.used)
			objects := []client.Object{d, &q, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "stranger"}}}
			for i := range row.running + row.ended {
				pod := readyPod(fmt.Sprint("p", i), monday, 1)
				if i >= row.running {
					pod.Status.Phase = []corev1.PodPhase{corev1.PodFailed, corev1.PodSucceeded}[i%2]
				}
				objects = append(objects, pod)
			}
			scheme := runtime.NewScheme()
			if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
				t.Fatal(err)
			}
			lists := 0
			c := fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).
				WithInterceptorFuncs(interceptor.Funcs{List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
					if _, ok := list.(*corev1.PodList); ok {
						lists++
					}
					return c.List(ctx, list, opts...)
				}}).Build()
			facts, err := (&PolicyReconciler{Client: c, Reader: c, Prometheus: Ours{Address: f.Prometheus}}).facts(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			s, err := Settle(p, facts)
			if err != nil || s.Max != row.most || (len(s.Problems) == 0) != (row.most == 8) || lists != row.lists {
				t.Errorf("at most %d, %v, %v, after %d lists; want %d after %d", s.Max, s.Problems, err, lists, row.most, row.lists)
			}
		})
	}
}
