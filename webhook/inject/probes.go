// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package inject

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/hoist-dev/hoist/api/inference"
)

// How a startup probe's budget is found: loading moves at least slowest bytes a second, and starting takes as long without.
const (
	probePeriod    = 1         // seconds: what a server that is up waits at most until that is known
	execPeriod     = 5         // seconds, where each look starts a process
	startupLeast   = 10 * 60   // seconds: compiling, graphs, warm-up
	startupSlowest = 100 << 20 // bytes a second, from the page cache or a disk into VRAM
)

// startupSeconds is how long a server may take from the start of its container until it answers, with bytes of weights to load.
func startupSeconds(bytes int64) int64 { return startupLeast + bytes/startupSlowest }

// addProbes adds what a server's container has not: Ready when it answers, and, where a liveness probe would end it, time to load before that. Where
// nothing would end it a startup probe only costs time: a kubelet takes it in by one look at the pod, readiness by the next, and a second lies between two.
func addProbes(c *corev1.Container, d *inference.Server, bytes int64) {
	if c.StartupProbe == nil && c.LivenessProbe != nil {
		starts := c.LivenessProbe.ProbeHandler
		if c.ReadinessProbe != nil {
			starts = c.ReadinessProbe.ProbeHandler
		}
		period := int64(probePeriod)
		if starts.Exec != nil {
			period = execPeriod
		}
		c.StartupProbe = &corev1.Probe{ProbeHandler: *starts.DeepCopy(), PeriodSeconds: int32(period), TimeoutSeconds: 5,
			FailureThreshold: int32((startupSeconds(bytes) + period - 1) / period), SuccessThreshold: 1}
	}
	if c.ReadinessProbe == nil {
		ask := corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: d.Health, Port: intstr.FromInt32(d.Port(c)), Scheme: corev1.URISchemeHTTP}}
		c.ReadinessProbe = &corev1.Probe{ProbeHandler: ask, PeriodSeconds: probePeriod, TimeoutSeconds: 5, FailureThreshold: 6, SuccessThreshold: 1}
	}
}

// allows is how long a startup probe lets a container take, in seconds.
func allows(p *corev1.Probe) int64 {
	period, failures := int64(p.PeriodSeconds), int64(p.FailureThreshold)
	if period == 0 {
		period = 10 // the API server's defaults come after admission
	}
	if failures == 0 {
		failures = 3
	}
	return int64(p.InitialDelaySeconds) + period*failures
}

// addGate adds the readiness gate.
func addGate(pod *corev1.Pod, condition corev1.PodConditionType) {
	for _, g := range pod.Spec.ReadinessGates {
		if g.ConditionType == condition {
			return
		}
	}
	pod.Spec.ReadinessGates = append(pod.Spec.ReadinessGates, corev1.PodReadinessGate{ConditionType: condition})
}
