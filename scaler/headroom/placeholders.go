// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package headroom

import (
	"errors"
	"maps"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// PolicyAnnotation of placeholders is whose they are, as NAMESPACE/NAME.
const PolicyAnnotation = "hoist.dev/scale-policy"

// Made is what placeholders are made of.
type Made struct {
	Namespace     string // of all placeholders
	Image         string
	PriorityClass string // of negative priority
}

// nobody is the user of the pause image; any but root would do.
const nobody = 65535

// errDevices is why there are no placeholders for pods with claims of devices (DRA): a claim is of a pod, and can't be made way from.
var errDevices = errors.New("placeholders can't claim devices (resourceClaims) as the target's pods do: set kind to CapacityBuffer")

// Placeholders is the Deployment of a policy's placeholders: pods that take of a node what the target's would, may run where those may, and make
// way for any other. model is the target's, of the policy's namespace, or empty: nodes that hold it are preferred, as the webhook has the target's
// pods do.
func Placeholders(p *v1alpha1.ScalePolicy, template *corev1.PodTemplateSpec, model string, replicas int32, made Made) (*appsv1.Deployment, error) {
	if len(template.Spec.ResourceClaims) > 0 {
		return nil, errDevices
	}
	key := client.ObjectKeyFromObject(p)
	name := PlaceholdersName(key)
	labels := map[string]string{v1alpha1.PlaceholderLabel: name}
	all := maps.Clone(labels)
	maps.Copy(all, Ours())
	none := int32(0)
	return &appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: metav1.ObjectMeta{Namespace: made.Namespace, Name: name, Labels: all, Annotations: map[string]string{PolicyAnnotation: key.String()}},
		Spec: appsv1.DeploymentSpec{
			Replicas:             &replicas,
			RevisionHistoryLimit: &none,
			Selector:             &metav1.LabelSelector{MatchLabels: labels},
			Strategy:             appsv1.DeploymentStrategy{Type: appsv1.RecreateDeploymentStrategyType}, // two generations would take twice the room
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: all, Annotations: map[string]string{PolicyAnnotation: key.String()}},
				Spec:       podSpec(p, template, model, labels, made),
			},
		},
	}, nil
}

func podSpec(p *v1alpha1.ScalePolicy, template *corev1.PodTemplateSpec, model string, labels map[string]string, made Made) corev1.PodSpec {
	yes, no, user, atOnce := true, false, int64(nobody), int64(0)
	from := &template.Spec
	return corev1.PodSpec{
		NodeSelector:                  maps.Clone(from.NodeSelector),
		Affinity:                      affinity(p.Namespace, template, model, labels),
		Tolerations:                   from.DeepCopy().Tolerations,
		TopologySpreadConstraints:     spread(from.TopologySpreadConstraints, labels),
		SchedulerName:                 from.SchedulerName,
		RuntimeClassName:              from.RuntimeClassName, // it may add to what a pod takes, and to where it may be
		PriorityClassName:             made.PriorityClass,
		TerminationGracePeriodSeconds: &atOnce,
		AutomountServiceAccountToken:  &no,
		EnableServiceLinks:            &no,
		SecurityContext:               &corev1.PodSecurityContext{RunAsNonRoot: &yes, RunAsUser: &user, SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}},
		Containers: []corev1.Container{{
			Name:      "placeholder",
			Image:     made.Image,
			Resources: resources(from),
			SecurityContext: &corev1.SecurityContext{AllowPrivilegeEscalation: &no, ReadOnlyRootFilesystem: &yes,
				Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}},
		}},
	}
}
