// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
)

// scraped is a running pod that wants to be scraped, but for what change takes from it.
func scraped(name string, change func(*corev1.Pod)) *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "ns", Annotations: map[string]string{ScrapeAnnotation: "true", PortAnnotation: "8080"}},
		Spec:       corev1.PodSpec{NodeName: "node1"},
		Status:     corev1.PodStatus{Phase: corev1.PodRunning, PodIP: "198.18.1.7"},
	}
	change(pod)
	return pod
}

func group(target, name string) targetGroup {
	return targetGroup{Targets: []string{target}, Labels: map[string]string{"namespace": "ns", "pod": name, "node": "node1"}}
}

func TestTargets_AreTheRunningPodsThatWantIt(t *testing.T) {
	t.Parallel()
	pods := []*corev1.Pod{
		scraped("plain", func(*corev1.Pod) {}),
		scraped("path", func(p *corev1.Pod) { p.Annotations[PathAnnotation] = "/stats" }),
		scraped("v6", func(p *corev1.Pod) { p.Status.PodIP = "fd00::7" }),
		scraped("unasked", func(p *corev1.Pod) { p.Annotations = nil }),
		scraped("refused", func(p *corev1.Pod) { p.Annotations[ScrapeAnnotation] = "false" }),
		scraped("pending", func(p *corev1.Pod) { p.Status.Phase = corev1.PodPending }),
		scraped("ended", func(p *corev1.Pod) { p.Status.Phase = corev1.PodSucceeded }),
		scraped("nowhere", func(p *corev1.Pod) { p.Status.PodIP = "" }),
	}
	path := group("198.18.1.7:8080", "path")
	path.Labels["__metrics_path__"] = "/stats"
	want := []targetGroup{group("198.18.1.7:8080", "plain"), path, group("[fd00::7]:8080", "v6")}
	if diff := cmp.Diff(want, targets(pods)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Prometheus takes nothing but a list as JSON, also where nothing is to be scraped.
func TestTargetsHandler_AnswersWithAList(t *testing.T) {
	t.Parallel()
	store := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{})
	handler := targetsHandler(listers.NewPodLister(store))
	get := func() *httptest.ResponseRecorder {
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody))
		if kind := answer.Header().Get("Content-Type"); answer.Code != http.StatusOK || kind != "application/json" {
			t.Errorf("%d, %s, want 200 and JSON", answer.Code, kind)
		}
		return answer
	}
	if none := get().Body.String(); none != "[]\n" {
		t.Errorf("without pods: %q", none)
	}
	if err := store.Add(scraped("one", func(*corev1.Pod) {})); err != nil {
		t.Fatal(err)
	}
	var got []targetGroup
	if err := json.Unmarshal(get().Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]targetGroup{group("198.18.1.7:8080", "one")}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
