// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/hoist-dev/hoist/prefetch/plan"
	"github.com/hoist-dev/hoist/prefetch/view"
)

// target is a Deployment that is scaled.
type target struct {
	name      types.NamespacedName
	selector  string
	template  *corev1.PodTemplateSpec
	pod       *corev1.Pod   // as admission lets it in, by a dry run
	model     plan.Key      // that it mounts; "" is none
	service   string        // that has its pods, or ""
	port      int32         // that it answers on
	before    int32         // replicas that it had
	found     int32         // replicas that it was found with: others than before, where a benchmark was killed
	touched   bool          // it has been scaled here, or by one that was killed
	admission time.Duration // that Hoist's annotations add to it
	path      string        // of the request
	body      string
	started   string // the pod that was started last
}

// look reads a Deployment, and refuses one that somebody else scales.
func (b *bench) look(ctx context.Context, name types.NamespacedName, service string) (*target, error) {
	d, err := b.Kube.AppsV1().Deployments(name.Namespace).Get(ctx, name.Name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("read the Deployment %s: %w", name, err)
	}
	if err := b.alone(ctx, d); err != nil {
		return nil, err
	}
	selector, err := metav1.LabelSelectorAsSelector(d.Spec.Selector)
	if err != nil {
		return nil, fmt.Errorf("the selector of Deployment %s: %w", name, err)
	}
	t := &target{name: name, selector: selector.String(), template: &d.Spec.Template, before: replicasOf(d), found: replicasOf(d), path: b.Path, body: b.Body}
	if left, is := markOf(d); is {
		t.before, t.touched = left.before, true
	}
	if t.pod, err = b.admit(ctx, t, true); err != nil {
		return nil, fmt.Errorf("a pod of Deployment %s would not be let in: %w", name, err)
	}
	if claims := view.Claims(t.pod); len(claims) > 0 {
		t.model = claims[0].Model
	}
	return t, b.findService(ctx, t, service)
}

// alone refuses a Deployment that an autoscaler scales: it would measure that one.
func (b *bench) alone(ctx context.Context, d *appsv1.Deployment) error {
	list, err := b.Kube.AutoscalingV2().HorizontalPodAutoscalers(d.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list the HorizontalPodAutoscalers of %s: %w", d.Namespace, err)
	}
	for i := range list.Items {
		h := &list.Items[i]
		if h.Spec.ScaleTargetRef.Kind != "Deployment" || h.Spec.ScaleTargetRef.Name != d.Name {
			continue
		}
		if scaled, ok := strings.CutPrefix(h.Name, "keda-hpa-"); ok {
			return fmt.Errorf("KEDA scales Deployment %s/%s: pause it with kubectl annotate -n %s scaledobject %s autoscaling.keda.sh/paused=true, and let it go on afterwards with autoscaling.keda.sh/paused-",
				d.Namespace, d.Name, d.Namespace, scaled)
		}
		return fmt.Errorf("HorizontalPodAutoscaler %s scales Deployment %s/%s: delete it while this runs", h.Name, d.Namespace, d.Name)
	}
	return nil
}

// admit asks, by a dry run, how a pod of t is let in: with Hoist's annotations, or without.
func (b *bench) admit(ctx context.Context, t *target, annotated bool) (*corev1.Pod, error) {
	pod := &corev1.Pod{ObjectMeta: *t.template.ObjectMeta.DeepCopy(), Spec: *t.template.Spec.DeepCopy()}
	pod.GenerateName, pod.Namespace = t.name.Name+"-", t.name.Namespace
	for key := range pod.Annotations {
		if !annotated && strings.HasPrefix(key, "hoist.dev/") {
			delete(pod.Annotations, key)
		}
	}
	return b.Kube.CoreV1().Pods(pod.Namespace).Create(ctx, pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
}

// findService finds the Service whose pods those of t are, and the port that they answer on.
func (b *bench) findService(ctx context.Context, t *target, name string) error {
	list, err := b.Kube.CoreV1().Services(t.name.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list the Services of %s: %w", t.name.Namespace, err)
	}
	for i := range list.Items {
		s := &list.Items[i]
		if name != "" && s.Name != name || len(s.Spec.Selector) == 0 || len(s.Spec.Ports) == 0 || !labels.SelectorFromSet(s.Spec.Selector).Matches(labels.Set(t.template.Labels)) {
			continue
		}
		port, is := b.choosePort(s.Spec.Ports)
		if !is {
			return fmt.Errorf("the Service %s/%s has no port %q", s.Namespace, s.Name, b.Port)
		}
		t.service, t.port = s.Name, portOf(t.pod, port)
		return nil
	}
	if name != "" {
		return fmt.Errorf("no Service %s in namespace %s selects the pods of Deployment %s", name, t.name.Namespace, t.name.Name)
	}
	return errors.New("no Service selects the pods of Deployment " + t.name.String() + ": the first answer is measured through one")
}

// choosePort is the port that was asked for, by its name or its number, or else the first one for HTTP, or the first.
func (b *bench) choosePort(ports []corev1.ServicePort) (port corev1.ServicePort, is bool) {
	like := func(p corev1.ServicePort) bool { return p.Name == b.Port || strconv.Itoa(int(p.Port)) == b.Port }
	if b.Port == "" {
		like = func(p corev1.ServicePort) bool { return p.Name == "http" || strings.HasPrefix(p.Name, "http-") }
	}
	switch i := slices.IndexFunc(ports, like); {
	case i >= 0:
		return ports[i], true
	case b.Port == "":
		return ports[0], true
	}
	return port, false
}

func portOf(pod *corev1.Pod, port corev1.ServicePort) int32 {
	if port.TargetPort.Type == intstr.Int && port.TargetPort.IntVal != 0 {
		return port.TargetPort.IntVal
	}
	for i := range pod.Spec.Containers {
		for _, p := range pod.Spec.Containers[i].Ports {
			if p.Name == port.TargetPort.StrVal {
				return p.ContainerPort
			}
		}
	}
	return port.Port
}

// from is how many replicas there are before each start.
func (t *target) from(zero bool) int32 {
	if zero {
		return 0
	}
	return t.before
}

func (t *target) change(zero bool, starts int) string {
	left := ""
	if t.found != t.before {
		left = fmt.Sprintf(" (a benchmark that was killed left it at %d)", t.found)
	}
	if zero && t.before > 0 {
		return fmt.Sprintf("scale Deployment %s from %d%s to 0, so that NOBODY IS SERVED, from there to 1 and back %d times", t.name, t.before, left, starts)
	}
	return fmt.Sprintf("scale Deployment %s from %d%s to %d and back, %d times", t.name, t.before, left, t.before+1, starts)
}

func (t *target) asks() string {
	return fmt.Sprintf("POST %s on port %d, once the Service %s lists the pod, by way of the API server", t.path, t.port, t.service)
}
