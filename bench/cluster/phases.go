// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/bench/result"
)

// started is one cold start: when what was seen of it, by the clock of who watches.
type started struct {
	wanted, created, scheduled, sandboxed, initialized, running, contained, ready, listed, answered time.Time

	node    string
	inits   bool // it has init containers
	claims  bool // it mounts a Model
	mounted *v1alpha1.Mounted
}

// look notes what is seen of the pod for the first time.
func (s *started) look(pod *corev1.Pod, now time.Time) {
	first := func(at *time.Time, is bool) {
		if is && at.IsZero() {
			*at = now
		}
	}
	holds := func(kind corev1.PodConditionType) bool {
		for _, c := range pod.Status.Conditions {
			if c.Type == kind {
				return c.Status == corev1.ConditionTrue
			}
		}
		return false
	}
	s.inits = len(pod.Spec.InitContainers) > 0
	first(&s.created, true)
	first(&s.scheduled, holds(corev1.PodScheduled))
	first(&s.sandboxed, holds(corev1.PodReadyToStartContainers))
	first(&s.initialized, holds(corev1.PodInitialized))
	first(&s.running, allRun(pod))
	first(&s.contained, holds(corev1.ContainersReady))
	first(&s.ready, holds(corev1.PodReady))
}

func allRun(pod *corev1.Pod) bool {
	for _, c := range pod.Status.ContainerStatuses {
		if c.State.Running == nil {
			return false
		}
	}
	return len(pod.Status.ContainerStatuses) == len(pod.Spec.Containers)
}

// run is the start as phases that follow one another. admission is what Hoist adds to the creation of the pod.
func (s *started) run(admission time.Duration) result.Run {
	run := result.Run{Started: s.wanted.UTC(), Seconds: s.answered.Sub(s.wanted).Seconds()}
	at := s.wanted
	// until is the time from the phase before to a mark. One that was not seen, or came earlier than the one before, takes none.
	until := func(mark time.Time) time.Duration {
		if !mark.After(at) {
			return 0
		}
		took := mark.Sub(at)
		at = mark
		return took
	}
	add := func(p result.Phase, took time.Duration) {
		p.Seconds = took.Seconds()
		if took > 0 || p.Hoist {
			run.Phases = append(run.Phases, p)
		}
	}
	created, webhook := until(s.created), time.Duration(0)
	if s.claims {
		webhook = min(admission, created)
	}
	add(result.Phase{Name: "create pod"}, created-webhook)
	if s.claims {
		add(result.Phase{Name: "webhook", Hoist: true}, webhook)
	}
	add(result.Phase{Name: "schedule"}, until(s.scheduled))
	sandbox := until(s.sandboxed)
	mount, phase := time.Duration(0), result.Phase{Name: "mount", Hoist: true}
	if s.claims && s.mounted != nil {
		mount = min(s.mounted.After, sandbox)
		if s.mounted.Downloaded > 0 {
			phase = result.Phase{Name: "download", Bytes: s.mounted.Downloaded}
		}
	}
	if s.claims {
		add(phase, mount)
	}
	add(result.Phase{Name: "volumes, network"}, sandbox-mount)
	if s.inits {
		add(result.Phase{Name: "init containers"}, until(s.initialized))
	}
	add(result.Phase{Name: "start containers"}, until(s.running))
	add(result.Phase{Name: "load weights"}, until(s.contained))
	if s.claims {
		add(result.Phase{Name: "readiness gate", Hoist: true}, until(s.ready))
	} else {
		add(result.Phase{Name: "Ready"}, until(s.ready))
	}
	add(result.Phase{Name: "endpoint"}, until(s.listed))
	add(result.Phase{Name: "first answer"}, until(s.answered))
	return run
}
