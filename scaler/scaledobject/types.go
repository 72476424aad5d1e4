// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package scaledobject

import (
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ScaledObject has the fields of KEDA's (keda.sh/v1alpha1) that Hoist writes, and no others: with server-side apply those stay whose they
// are. KEDA's own module would bring all of its scalers along.
type ScaledObject struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              Spec `json:"spec"`
}

// Spec of a ScaledObject. Times are in seconds.
type Spec struct {
	ScaleTargetRef        TargetRef `json:"scaleTargetRef"`
	PollingInterval       int32     `json:"pollingInterval"`
	InitialCooldownPeriod int32     `json:"initialCooldownPeriod"`
	CooldownPeriod        int32     `json:"cooldownPeriod"`
	MinReplicaCount       int32     `json:"minReplicaCount"`
	MaxReplicaCount       int32     `json:"maxReplicaCount"`
	Fallback              Fallback  `json:"fallback"`
	Advanced              Advanced  `json:"advanced"`
	Triggers              []Trigger `json:"triggers"`
}

// TargetRef is what is scaled.
type TargetRef struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Name       string `json:"name"`
}

// Fallback is what is done when a trigger fails.
type Fallback struct {
	FailureThreshold int32  `json:"failureThreshold"`
	Replicas         int32  `json:"replicas"`
	Behavior         string `json:"behavior"`
}

// Advanced is about the HPA that KEDA makes.
type Advanced struct {
	RestoreToOriginalReplicaCount bool      `json:"restoreToOriginalReplicaCount"`
	HPA                           HPAConfig `json:"horizontalPodAutoscalerConfig"`
}

// HPAConfig says how fast it moves.
type HPAConfig struct {
	Behavior autoscalingv2.HorizontalPodAutoscalerBehavior `json:"behavior"`
}

// Trigger is a reason to scale; the HPA takes the one that asks for most.
type Trigger struct {
	Type              string            `json:"type"`
	Name              string            `json:"name"`
	MetricType        string            `json:"metricType,omitempty"`
	Metadata          map[string]string `json:"metadata"`
	AuthenticationRef *AuthRef          `json:"authenticationRef,omitempty"`
}

// AuthRef names a TriggerAuthentication of the same namespace, or a ClusterTriggerAuthentication.
type AuthRef struct {
	Kind string `json:"kind,omitempty"` // TriggerAuthentication, where it is empty
	Name string `json:"name"`
}
