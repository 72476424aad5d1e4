// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package scaler

import (
	"errors"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

// Setup registers all that scales. room is what the controller may keep room on nodes with.
func Setup(mgr ctrl.Manager, prometheus Ours, room Room) error {
	dial := (&line{ours: prometheus}).dial
	policies := &PolicyReconciler{Client: mgr.GetClient(), Reader: mgr.GetAPIReader(), Prometheus: prometheus, Busy: &Busy{Dial: dial, Now: time.Now}}
	annotations := &AnnotationReconciler{Client: mgr.GetClient(), Events: mgr.GetEventRecorder("hoist")}
	forecaster := &Forecaster{Client: mgr.GetClient(), Reader: mgr.GetAPIReader(), Facts: policies.facts, Dial: dial, Now: time.Now, Room: room}
	policies.Follow = forecaster.Follow
	return errors.Join(policies.Setup(mgr), annotations.Setup(mgr), mgr.Add(forecaster), metrics.Registry.Register(&Metrics{policies, forecaster}))
}
