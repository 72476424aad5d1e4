// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// askEvery is how soon a pod that does not answer yet is asked again.
const askEvery = 20 * time.Millisecond

// listed returns when the Service sends requests to a pod.
func (b *bench) listed(ctx context.Context, t *target, pod string) error {
	return b.poll(ctx, askEvery, "pod "+pod+" to be an endpoint", func(ctx context.Context) (bool, error) {
		slices, err := b.Kube.DiscoveryV1().EndpointSlices(t.name.Namespace).List(ctx, metav1.ListOptions{LabelSelector: "kubernetes.io/service-name=" + t.service})
		if err != nil {
			return false, fmt.Errorf("list the endpoints of Service %s: %w", t.service, err)
		}
		for i := range slices.Items {
			for _, e := range slices.Items[i].Endpoints {
				if e.TargetRef != nil && e.TargetRef.Name == pod && e.Conditions.Ready != nil && *e.Conditions.Ready {
					return true, nil
				}
			}
		}
		return false, fmt.Errorf("the Service %s does not list it as ready", t.service)
	})
}

// answered returns when a pod has answered the request. What is refused for good is an error at once.
func (b *bench) answered(ctx context.Context, t *target, pod *corev1.Pod) error {
	return b.poll(ctx, askEvery, fmt.Sprintf("pod %s to answer on port %d (--port names another of the Service's)", pod.Name, t.port), func(ctx context.Context) (bool, error) {
		err := b.ask(ctx, t, pod.Name)
		if status, is := errors.AsType[*apierrors.StatusError](err); is && refused(err) {
			err = finalError{fmt.Errorf("pod %s answers %s with %d: say what to ask it with --request and --body: %w", pod.Name, t.path, status.ErrStatus.Code, err)}
		}
		return err == nil, err
	})
}

// ask sends the request to a pod. Without one of the user's it is a completion of the first model that the server has.
func (b *bench) ask(ctx context.Context, t *target, pod string) error {
	to := fmt.Sprintf("%s:%d", pod, t.port)
	rest := b.Kube.CoreV1().RESTClient()
	if t.path == "" {
		raw, err := rest.Get().Namespace(t.name.Namespace).Resource("pods").Name(to).SubResource("proxy").Suffix("/v1/models").DoRaw(ctx)
		if err != nil {
			return fmt.Errorf("ask for its models: %w", err)
		}
		if t.body, err = completion(raw); err != nil {
			return finalError{err}
		}
		t.path = "/v1/completions"
	}
	_, err := rest.Post().Namespace(t.name.Namespace).Resource("pods").Name(to).SubResource("proxy").Suffix(t.path).
		SetHeader("Content-Type", "application/json").Body([]byte(t.body)).DoRaw(ctx)
	return err
}

// completion is the body of a request for one token of the first of models.
func completion(models []byte) (string, error) {
	var has struct {
		Data []struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	if err := json.Unmarshal(models, &has); err != nil || len(has.Data) == 0 {
		return "", fmt.Errorf("the server's list of models is %.100q: say what to ask it with --request and --body", models)
	}
	body, err := json.Marshal(map[string]any{"model": has.Data[0].ID, "prompt": "lift", "max_tokens": 1})
	return string(body), err
}
