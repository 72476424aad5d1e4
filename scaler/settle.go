// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package scaler

import (
	"fmt"
	"math"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hoist-dev/hoist/api/capacity"
	"github.com/hoist-dev/hoist/api/inference"
	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/scaler/coldstart"
	"github.com/hoist-dev/hoist/scaler/demand"
	"github.com/hoist-dev/hoist/scaler/kueue"
	"github.com/hoist-dev/hoist/scaler/scaledobject"
)

// Workload is what a policy scales.
type Workload struct {
	Template        corev1.PodTemplateSpec
	Selector        *metav1.LabelSelector
	Wanted          int32 // that it is told to have
	Replicas, Ready int32
	Terminating     *int32 // pods that are no replicas any more, and that quotas count still; nil: nobody says
}

// pod is what it makes.
func (w *Workload) pod(namespace string) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: w.Template.ObjectMeta, Spec: w.Template.Spec}
	pod.Namespace = namespace
	return pod
}

// admitted is how many pods of it quotas admit, and which of them stops the next.
func (w *Workload) admitted(namespace string, quotas []corev1.ResourceQuota) (int64, capacity.Why) {
	room, why := capacity.UnderQuota(w.pod(namespace), quotas)
	return room + int64(w.Replicas) + int64(or(w.Terminating, 0)), why
}

// Facts are what the cluster says.
type Facts struct {
	Workload   *Workload // nil: there is none
	Quotas     []corev1.ResourceQuota
	Kueue      *kueue.Queue // that the pods name; nil: none
	Nodes      []corev1.Node
	Prometheus string                // address, where the policy names none
	KEDA       scaledobject.Identity // that KEDA has there, where the policy names none
	// Concurrency that was measured, of one replica, while requests waited; 0 is none that is known now.
	Concurrency float64
}

// Settled is what is in force of a policy.
type Settled struct {
	scaledobject.Input
	InFlightFrom string
	Problems     []Problem // that do not stop it from scaling
}

// Problem becomes a condition that is True.
type Problem struct{ Type, Reason, Message string }

// Unready is why a policy can't scale.
type Unready struct{ Reason, Message string }

func (u *Unready) Error() string { return u.Message }

// What is meant where nobody says otherwise.
const (
	measured    = "Measured"
	most        = 100_000 // requests that a server works on at a time, more than any does
	concurrency = 32      // requests that a server works on at a time
	load        = 0.7     // of it that is aimed at: demand comes in bursts, and a cold start is long
)

// Settle decides what is in force. Its error is an *Unready.
func Settle(p *v1alpha1.ScalePolicy, f Facts) (Settled, error) {
	s := Settled{Input: scaledobject.Input{Policy: p, Max: p.Spec.MaxReplicas, Min: 1, Slow: coldstart.Slow(p.Status.ColdStart)}}
	if f.Workload == nil {
		return s, &Unready{v1alpha1.TargetMissingReason, fmt.Sprintf("there is no %s %s in namespace %s", p.Spec.Target.Kind, p.Spec.Target.Name, p.Namespace)}
	}
	s.Prometheus.Address = f.Prometheus
	if p.Spec.Prometheus != nil {
		s.Prometheus = *p.Spec.Prometheus
	}
	if s.Prometheus.Address == f.Prometheus { // at no other: whoever writes a policy must not say who is told what opens Prometheus
		s.Identity = f.KEDA
	}
	if s.Prometheus.Address == "" {
		return s, &Unready{v1alpha1.PrometheusMissingReason, "nobody says where Prometheus is: set spec.prometheus.address, or scaler.prometheusAddress of the chart for all policies"}
	}
	for _, floor := range p.Spec.Floors {
		if err := checkFloor(floor); err != nil {
			return s, &Unready{v1alpha1.FloorInvalidReason, err.Error()}
		}
	}
	server := s.recognize(p, f.Workload)
	if err := s.known(p, server); err != nil {
		return s, err
	}
	s.inFlight(p, f, server)
	s.least(p)
	s.most(p, f)
	s.gpu(p, f.Workload, server)
	return s, nil
}

// gpu is the trigger that was asked for, where it could scale down as well as up.
func (s *Settled) gpu(p *v1alpha1.ScalePolicy, w *Workload, server *inference.Server) {
	if s.GPU = p.Spec.GPU; s.GPU == nil || s.GPU.Metric != v1alpha1.GPUMemory {
		return
	}
	keeps, reason := "", v1alpha1.VRAMKeptReason
	if server == nil {
		keeps, reason = "the server is not known, and most take their VRAM when they start and keep it", v1alpha1.ServerUnknownReason
	} else if why := server.KeepsVRAM(container(w), w.Template.Annotations[v1alpha1.ServedModelAnnotation] != ""); why != "" {
		keeps = fmt.Sprintf("%s does not give it back: %s", server.Kind, why)
	}
	if keeps != "" {
		s.GPU = nil
		s.problem(v1alpha1.GPUMetricRefusedCondition, reason, "used VRAM is not scaled on, for replicas would never go: "+keeps+". Leave out spec.gpu, or take the metric Utilization")
	}
}

// recognize tells the server, and is nil where it is not known.
func (s *Settled) recognize(p *v1alpha1.ScalePolicy, w *Workload) *inference.Server {
	if len(w.Template.Spec.Containers) == 0 {
		return nil
	}
	named := inference.Kind(p.Spec.Server)
	if named == "" {
		named = inference.Kind(w.Template.Annotations[v1alpha1.ServerAnnotation])
	}
	server := inference.Recognize(container(w), named)
	if server != nil {
		s.Server = server.Kind
	}
	return server
}

func container(w *Workload) *corev1.Container {
	all := make([]*corev1.Container, len(w.Template.Spec.Containers))
	for i := range all {
		all[i] = &w.Template.Spec.Containers[i]
	}
	return inference.Choose(all)
}

// known fails where nobody could say what the demand is.
func (s *Settled) known(p *v1alpha1.ScalePolicy, server *inference.Server) error {
	switch {
	case p.Spec.Query != "":
		return nil
	case server == nil:
		return &Unready{v1alpha1.ServerUnknownReason, fmt.Sprintf("the server of %s is not known: name it with spec.server, or give spec.query", p.Spec.Target.Name)}
	case !demand.Knows(server.Kind):
		return &Unready{v1alpha1.ServerUnknownReason, fmt.Sprintf("%s has no metrics of its requests: give spec.query, such as what a gateway in front of it counts", server.Kind)}
	}
	return nil
}

// inFlight is how many requests a replica shall have.
func (s *Settled) inFlight(p *v1alpha1.ScalePolicy, f Facts, server *inference.Server) {
	slots := 0
	if server != nil {
		slots = server.Slots(container(f.Workload))
	}
	switch {
	case p.Spec.InFlightPerReplica != nil:
		s.InFlight, s.InFlightFrom = *p.Spec.InFlightPerReplica, "Spec"
	case f.Concurrency >= 1 && f.Concurrency < most:
		s.InFlight, s.InFlightFrom = part(int(f.Concurrency)), measured
		if was := p.Status.InFlightPerReplica; p.Status.InFlightFrom == measured && near(was, s.InFlight) {
			s.InFlight = was // a target that moves has replicas come and go
		}
	case s.measuredBefore(p):
		s.InFlight, s.InFlightFrom = p.Status.InFlightPerReplica, measured
	case slots > 0:
		s.InFlight, s.InFlightFrom = part(slots), "Arguments"
	default:
		s.InFlight, s.InFlightFrom = part(concurrency), "Default"
	}
}

// measuredBefore reports whether the status has what was measured of this server: it outlives a controller, and a Prometheus that is silent.
func (s *Settled) measuredBefore(p *v1alpha1.ScalePolicy) bool {
	return p.Status.InFlightFrom == measured && p.Status.InFlightPerReplica > 0 && p.Status.Server == string(s.Server) && p.Spec.Query == ""
}

// near is within a fifth.
func near(was, is int32) bool { return math.Abs(float64(is-was)) <= float64(was)/5 }

func part(slots int) int32 { return max(int32(math.Floor(load*float64(slots))), 1) }

// least is the minimum: nothing sleeps that nothing would wake.
func (s *Settled) least(p *v1alpha1.ScalePolicy) {
	s.Min = min(or(p.Spec.MinReplicas, 1), p.Spec.MaxReplicas)
	switch {
	case s.Min > 0:
		return
	case p.Spec.Wake == nil && p.Spec.Query == "":
		s.Min = 1
		s.problem(v1alpha1.CannotWakeCondition, v1alpha1.NoWakeSourceReason, "one replica stays: its pods alone tell of requests, and with none nobody would. Set spec.wake to what is in front of them")
	case p.Spec.Query == "" && !demand.TellsRunning(s.Server):
		s.Min = 1
		s.problem(v1alpha1.CannotWakeCondition, v1alpha1.QueueOnlyReason, fmt.Sprintf("one replica stays: %s tells of requests that wait, not of those that run, and would be put to sleep while it works", s.Server))
	}
}

// most is the maximum: pods above a quota are never made, and those that a queue does not admit wait for ever.
func (s *Settled) most(p *v1alpha1.ScalePolicy, f Facts) {
	pod := f.Workload.pod(p.Namespace)
	admitted, why := f.Workload.admitted(p.Namespace, f.Quotas)
	limit, reason := why.String(), v1alpha1.QuotaReason
	switch q := f.Kueue; {
	case q == nil:
	case q.Broken != "": // nothing is lowered: somebody will mend it
		s.problem(v1alpha1.QuotaTooSmallCondition, v1alpha1.KueueReason, "Kueue admits none of its pods: "+q.Broken)
	case q.Most < admitted:
		admitted, limit, reason = q.Most, q.String(), v1alpha1.KueueReason
	}
	if admitted < int64(s.Max) {
		s.problem(v1alpha1.QuotaTooSmallCondition, reason, fmt.Sprintf("%s admits %d replicas of the %d that may be", limit, admitted, s.Max))
		s.Max = int32(max(admitted, 1)) // KEDA wants one
		s.Min = min(s.Min, s.Max)
	}
	// A node that does not exist yet may be made by an autoscaler: this is told, and lowers nothing.
	if fit := capacity.Fit(pod, capacity.World{Nodes: f.Nodes}); fit.More < int64(s.Max) && len(f.Nodes) > 0 {
		text := ""
		if len(fit.Stops) > 0 {
			text = ": " + fit.Stops[0].String()
		}
		s.problem(v1alpha1.FleetTooSmallCondition, v1alpha1.FleetReason, fmt.Sprintf("the nodes that there are hold %d replicas of %d, with nothing else on them%s", fit.More, s.Max, text))
	}
}

func (s *Settled) problem(kind, reason, message string) {
	s.Problems = append(s.Problems, Problem{kind, reason, message})
}

func or(value *int32, other int32) int32 {
	if value != nil {
		return *value
	}
	return other
}
