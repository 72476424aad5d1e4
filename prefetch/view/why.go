// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package view

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"

	"github.com/hoist-dev/hoist/api/capacity"
	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/prefetch/plan"
)

// Claim is a volume of a pod that shall hold a model.
type Claim struct {
	Volume string
	Model  plan.Key // no name: the volume names none
}

// Claims are a pod's.
func Claims(pod *corev1.Pod) []Claim {
	var claims []Claim
	for i := range pod.Spec.Volumes {
		v := &pod.Spec.Volumes[i]
		if v.CSI == nil || v.CSI.Driver != v1alpha1.Driver {
			continue
		}
		key := plan.Key{Namespace: pod.Namespace, Name: v.CSI.VolumeAttributes[v1alpha1.ModelAttribute]}
		if other, ok := v.CSI.VolumeAttributes[v1alpha1.NamespaceAttribute]; ok {
			key.Namespace = other
		}
		claims = append(claims, Claim{v.Name, key})
	}
	return claims
}

// Scene is what Why looks at.
type Scene struct {
	Pod       *corev1.Pod
	Models    map[plan.Key]*v1alpha1.Model // those that its volumes name, as far as they are there
	CacheNode *v1alpha1.CacheNode          // of its node; nil if there is none, or it can't be read
	CSINode   *storagev1.CSINode           // of its node; nil if there is none
	Hidden    bool                         // CSINode may not be read
	// BiggestGPU of the cluster has so many bytes; 0 is unknown. It matters to pods without a node.
	BiggestGPU int64
	Fit        *capacity.Answer // of a pod without a node, in the cluster as it is; nil is unknown
	Events     []corev1.Event   // of the pod
	Now        time.Time
	Silence    time.Duration
}

// Why says in one or two sentences what a pod waits for.
func Why(s Scene) string {
	pod := s.Pod
	claims := Claims(pod)
	switch {
	case pod.DeletionTimestamp != nil:
		return s.pod() + " is being deleted"
	case pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed:
		return fmt.Sprintf("%s has ended: %s", s.pod(), strings.TrimSpace(string(pod.Status.Phase)+" "+pod.Status.Message))
	case len(claims) == 0:
		return fmt.Sprintf("%s has no volume of %s: Hoist has nothing to do with it", s.pod(), v1alpha1.Driver)
	case mounted(pod):
		return s.running(claims)
	}
	trouble := s.trouble(claims)
	switch {
	case pod.Spec.NodeName == "" && trouble != "":
		return s.pending() + ". And when it has one: " + trouble
	case pod.Spec.NodeName == "":
		return s.pending()
	case trouble != "":
		return s.pod() + " waits: " + trouble
	}
	return s.onNode(claims)
}

func (s Scene) pod() string { return "pod " + s.Pod.Namespace + "/" + s.Pod.Name }

// pending is why the pod has no node.
func (s Scene) pending() string {
	for _, c := range s.Pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && c.Message != "" {
			return s.pod() + " is Pending, without a node: " + clean(c.Message) + s.tooBig() + s.inVain()
		}
	}
	return s.pod() + " is Pending: the scheduler has not looked at it yet"
}

// trouble is a claim that no node can fulfill.
func (s Scene) trouble(claims []Claim) string {
	for _, c := range claims {
		if why := s.refused(c); why != "" {
			return why
		}
	}
	return ""
}

func (s Scene) refused(c Claim) string {
	if c.Model.Name == "" {
		return fmt.Sprintf("its volume %s names no model: add the volume attribute model: NAME", c.Volume)
	}
	m := s.Models[c.Model]
	switch {
	case m == nil:
		return fmt.Sprintf("there is no Model %s in namespace %s", c.Model.Name, c.Model.Namespace)
	case !m.Admits(s.Pod.Namespace):
		return fmt.Sprintf("Model %s does not allow pods of namespace %s: add it to its spec.allowedNamespaces", c.Model, s.Pod.Namespace)
	case m.Status.Revision != "":
		return ""
	}
	if resolved := condition(m.Status.Conditions, v1alpha1.ResolvedCondition); resolved != nil {
		return fmt.Sprintf("Model %s can't be read: %s", c.Model.Name, clean(resolved.Message))
	}
	return fmt.Sprintf("the source of Model %s has not been read yet", c.Model.Name)
}
