// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/clientcmd"
)

// Annotations of pods that Prometheus scrapes.
const (
	ScrapeAnnotation = "prometheus.io/scrape" // "true"
	PortAnnotation   = "prometheus.io/port"
	PathAnnotation   = "prometheus.io/path" // /metrics when there is none
)

// targetGroup is what Prometheus asks an HTTP service discovery for.
type targetGroup struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

// serveTargets tells Prometheus which pods to scrape. Distributions build it without discovery of its own for Kubernetes.
func serveTargets(ctx context.Context, kubeconfig, address string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	pods := factory.Core().V1().Pods().Lister()
	factory.StartWithContext(ctx)
	factory.WaitForCacheSync(ctx.Done())
	server := &http.Server{
		Addr:              address,
		Handler:           targetsHandler(pods),
		ReadHeaderTimeout: time.Minute,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func targetsHandler(pods listers.PodLister) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		all, err := pods.List(labels.Everything())
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(targets(all))
	})
}

// targets are the running pods that want to be scraped, named as Prometheus' own discovery would name them.
func targets(pods []*corev1.Pod) []targetGroup {
	groups := []targetGroup{}
	for _, pod := range pods {
		if pod.Annotations[ScrapeAnnotation] != "true" || pod.Status.PodIP == "" || pod.Status.Phase != corev1.PodRunning {
			continue
		}
		group := targetGroup{
			Targets: []string{net.JoinHostPort(pod.Status.PodIP, pod.Annotations[PortAnnotation])},
			Labels:  map[string]string{"namespace": pod.Namespace, "pod": pod.Name, "node": pod.Spec.NodeName},
		}
		if path := pod.Annotations[PathAnnotation]; path != "" {
			group.Labels["__metrics_path__"] = path
		}
		groups = append(groups, group)
	}
	return groups
}
