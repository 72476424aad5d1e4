// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package scaledobject

import (
	"crypto/sha256"
	"encoding/hex"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hoist-dev/hoist/api/inference"
	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// Input is a policy, and what was found out for it.
type Input struct {
	Policy     *v1alpha1.ScalePolicy
	Server     inference.Kind
	InFlight   int32 // requests that one replica shall have
	Min, Max   int32 // replicas
	Slow       int32 // seconds that a slow cold start takes
	Prometheus v1alpha1.Prometheus
	GPU        *v1alpha1.GPUTrigger // nil: none, or one that is refused
	Identity   Identity             // where Prometheus.Authentication names none
}

// Identity is how KEDA says who it is to a Prometheus that asks. All of it may be empty.
type Identity struct {
	Kind    string            // TriggerAuthentication or ClusterTriggerAuthentication
	Name    string            // "" is none
	Modes   string            // bearer, basic, tls or custom, several with commas
	Headers map[string]string // that go along with each query
}

// In seconds, but for failures and pods.
const (
	polling       = 5  // between looks at triggers from zero, and at their health
	blind         = 75 // how long the demand may be unknown before the fallback
	settle        = 900
	leastCooldown = 1800
	leastWindow   = 300
	mostWindow    = 3600 // that an HPA takes
	upEvery       = 15   // this, and the pods, are what an HPA has by itself
	downEvery     = 60
	downPercent   = 50
	upPods        = 4
	mostlyBusy    = 90   // percent of a GPU, where nobody says otherwise
	slowest       = 3600 // that a start is taken to be, as by forecasts: one that a queue held for hours says nothing of the next
)

// Make is the ScaledObject of a policy. It fails where the server tells nothing of its requests and the policy has no query.
func Make(in Input) (*ScaledObject, error) {
	in.Slow = min(in.Slow, slowest)
	triggers, err := triggers(&in)
	if err != nil {
		return nil, err
	}
	p := in.Policy
	yes := true
	o := &ScaledObject{
		TypeMeta: metav1.TypeMeta{APIVersion: "keda.sh/v1alpha1", Kind: "ScaledObject"},
		ObjectMeta: metav1.ObjectMeta{Name: Name(p.Name), Namespace: p.Namespace, Labels: map[string]string{"app.kubernetes.io/managed-by": "hoist"},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: v1alpha1.GroupVersion.String(), Kind: "ScalePolicy", Name: p.Name, UID: p.UID, Controller: &yes, BlockOwnerDeletion: &yes}}},
		Spec: Spec{
			ScaleTargetRef:        TargetRef{APIVersion: p.Spec.Target.APIVersion, Kind: p.Spec.Target.Kind, Name: p.Spec.Target.Name},
			PollingInterval:       polling,
			InitialCooldownPeriod: max(settle, 2*in.Slow),
			CooldownPeriod:        or(p.Spec.CooldownSeconds, max(leastCooldown, 2*in.Slow)),
			MinReplicaCount:       in.Min,
			MaxReplicaCount:       in.Max,
			// Every look that fails counts, and one that does not begins anew. What there is stays, if it is more.
			Fallback: Fallback{FailureThreshold: (blind + polling - 1) / polling, Replicas: min(or(p.Spec.FallbackReplicas, 2), in.Max), Behavior: "currentReplicasIfHigher"},
			Advanced: Advanced{HPA: HPAConfig{behavior(or(p.Spec.StabilizationSeconds, min(max(leastWindow, in.Slow), mostWindow)))}},
			Triggers: triggers,
		},
	}
	if p.Spec.Suspend {
		o.Annotations = map[string]string{"autoscaling.keda.sh/paused": "true"}
	}
	return o, nil
}

// behavior goes up as soon as it must, and down by halves, so that a lull does not undo a burst: slower is dearer than a forecast
// (docs/scale-replay.md).
func behavior(window int32) autoscalingv2.HorizontalPodAutoscalerBehavior {
	most, least, now := autoscalingv2.MaxChangePolicySelect, autoscalingv2.MinChangePolicySelect, int32(0)
	return autoscalingv2.HorizontalPodAutoscalerBehavior{
		ScaleUp: &autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: &now, SelectPolicy: &most, Policies: []autoscalingv2.HPAScalingPolicy{
			{Type: autoscalingv2.PodsScalingPolicy, Value: upPods, PeriodSeconds: upEvery}, {Type: autoscalingv2.PercentScalingPolicy, Value: 100, PeriodSeconds: upEvery}}},
		ScaleDown: &autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: &window, SelectPolicy: &least, Policies: []autoscalingv2.HPAScalingPolicy{
			{Type: autoscalingv2.PercentScalingPolicy, Value: downPercent, PeriodSeconds: downEvery}}},
	}
}

// Name is that of a policy's ScaledObject. KEDA adds keda-hpa-, and 63 bytes are the most: long ones end in a hash.
func Name(policy string) string {
	const longest, digits = 54, 8
	if len(policy) <= longest {
		return policy
	}
	sum := sha256.Sum256([]byte(policy))
	return policy[:longest-digits-1] + "-" + hex.EncodeToString(sum[:])[:digits]
}

func or(value *int32, other int32) int32 {
	if value != nil {
		return *value
	}
	return other
}
