// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

func deployment(replicas int32, says string) *appsv1.Deployment {
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "llama"}, Spec: appsv1.DeploymentSpec{Replicas: &replicas}}
	if says != "" {
		d.Annotations = map[string]string{ReplicasAnnotation: says}
	}
	return d
}

// A mark counts only while nobody else has scaled.
func TestMark_IsOfTheReplicasThatWereSet(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		replicas int32
		says     string
		want     mark
		is       bool
	}{
		{2, "1/2", mark{1, 2}, true},
		{0, "3/0", mark{3, 0}, true},
		{5, "1/2", mark{1, 2}, false},
		{2, "", mark{}, false},
		{1, "1", mark{1, 0}, false},
		{2, "-1/2", mark{-1, 2}, false},
	} {
		if m, is := markOf(deployment(c.replicas, c.says)); is != c.is || is && m != c.want {
			t.Errorf("%d replicas with %q: %v, %v", c.replicas, c.says, m, is)
		}
	}
}

// scaled is a benchmark of a Deployment with one replica, on a cluster that can be told to fail.
func scaled(patience time.Duration) (*bench, *fake.Clientset) {
	kube := fake.NewClientset(deployment(1, ""))
	name := types.NamespacedName{Namespace: "ns", Name: "llama"}
	return &bench{Config: Config{Kube: kube, Patience: patience}, target: &target{name: name, selector: "app=llama", before: 1, found: 1}}, kube
}

func (b *bench) has(t *testing.T, replicas int32, says string) {
	t.Helper()
	d, err := b.Kube.AppsV1().Deployments("ns").Get(t.Context(), "llama", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if replicasOf(d) != replicas || d.Annotations[ReplicasAnnotation] != says {
		t.Errorf("it has %d replicas and says %v, want %d and %q", replicasOf(d), d.Annotations, replicas, says)
	}
}

func TestScale_LeavesWhatSomebodyElseHasSet(t *testing.T) {
	t.Parallel()
	b, kube := scaled(time.Minute)
	if _, err := b.scale(t.Context(), b.target, 2); err != nil {
		t.Fatal(err)
	}
	b.has(t, 2, "1/2")
	if _, err := kube.AppsV1().Deployments("ns").Update(t.Context(), deployment(6, "1/2"), metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.scale(t.Context(), b.target, 1); err == nil || !strings.Contains(err.Error(), "somebody else has scaled it to 6") {
		t.Errorf("scaled beside somebody else: %v", err)
	}
	if err := b.restore(t.Context()); err != nil {
		t.Error(err)
	}
	b.has(t, 6, "")
}

// A change whose answer was lost is put back, and over a network that is away for a while.
func TestRestore_GoesOnWhereTheClusterIsAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, kube := scaled(time.Minute)
		lost, away := true, 0
		kube.PrependReactor("patch", "deployments", func(a clienttesting.Action) (bool, runtime.Object, error) {
			if !lost {
				return false, nil, nil
			}
			lost = false
			d := deployment(2, "1/2")
			return true, d, errors.Join(kube.Tracker().Update(a.GetResource(), d, "ns"), errors.New("connection reset by peer"))
		})
		kube.PrependReactor("get", "deployments", func(clienttesting.Action) (bool, runtime.Object, error) {
			if away == 0 {
				return false, nil, nil
			}
			away--
			return true, nil, errors.New("no route to host")
		})
		if _, err := b.scale(t.Context(), b.target, 2); err == nil {
			t.Fatal("the answer was not lost")
		}
		b.has(t, 2, "1/2")
		away = 20
		if err := b.restore(t.Context()); err != nil {
			t.Error(err)
		}
		b.has(t, 1, "")
	})
}

func TestRestore_SaysWhatToDoWhereItCannot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, kube := scaled(time.Minute)
		if _, err := b.scale(t.Context(), b.target, 2); err != nil {
			t.Fatal(err)
		}
		kube.PrependReactor("get", "deployments", func(clienttesting.Action) (bool, runtime.Object, error) {
			return true, nil, errors.New("no route to host")
		})
		begun := time.Now()
		err := b.restore(t.Context())
		for _, want := range []string{"no route to host", "kubectl scale -n ns deployment llama --replicas=1", "kubectl annotate -n ns deployment llama hoist.dev/bench-replicas-"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("it does not say %q: %v", want, err)
			}
		}
		if took := time.Since(begun); took < b.Patience || took > 2*b.Patience {
			t.Errorf("it gave up after %v", took)
		}
	})
}

func TestAwait_EndsWithoutNewsForPatience(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{Config: Config{Patience: time.Minute}}
		begun, left := time.Now(), 100
		err := b.await(t.Context(), "it", func(context.Context) (bool, error) {
			left = 100 - int(time.Since(begun)/(30*time.Second))
			return left <= 0, errIf(left > 0, "%d left", max(left, 90))
		})
		if !errors.Is(err, errNotInTime) || left != 88 {
			t.Errorf("with %d left: %v", left, err)
		}
		begun = time.Now()
		err = b.insist(t.Context(), "it", func(context.Context) error {
			return apierrors.NewForbidden(appsv1.Resource("deployments"), "llama", errors.New("no"))
		})
		if !apierrors.IsForbidden(err) || time.Since(begun) > 0 {
			t.Errorf("refused after %v: %v", time.Since(begun), err)
		}
	})
}

func errIf(is bool, format string, values ...any) error {
	if is {
		return fmt.Errorf(format, values...)
	}
	return nil
}

func TestChoosePort_IsTheOneForHTTP(t *testing.T) {
	t.Parallel()
	metrics, http := corev1.ServicePort{Name: "metrics", Port: 9090}, corev1.ServicePort{Name: "http", Port: 80}
	for _, c := range []struct {
		asked string
		ports []corev1.ServicePort
		want  int32
	}{
		{"", []corev1.ServicePort{metrics, http}, 80},
		{"", []corev1.ServicePort{metrics}, 9090},
		{"metrics", []corev1.ServicePort{http, metrics}, 9090},
		{"9090", []corev1.ServicePort{http, metrics}, 9090},
		{"grpc", []corev1.ServicePort{http, metrics}, 0},
	} {
		b := &bench{Config: Config{Port: c.asked}}
		if got, is := b.choosePort(c.ports); got.Port != c.want || is != (c.want > 0) {
			t.Errorf("%q of %v: %v", c.asked, c.ports, got)
		}
	}
}
