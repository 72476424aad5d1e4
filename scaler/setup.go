// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package scaler

import (
	"errors"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

// Setup registers all that scales. prometheus is the address for policies that name none.
func Setup(mgr ctrl.Manager, prometheus string) error {
	policies := &PolicyReconciler{Client: mgr.GetClient(), Reader: mgr.GetAPIReader(), Prometheus: prometheus}
	annotations := &AnnotationReconciler{Client: mgr.GetClient(), Events: mgr.GetEventRecorder("hoist")}
	return errors.Join(policies.Setup(mgr), annotations.Setup(mgr), metrics.Registry.Register(&Metrics{policies}))
}
