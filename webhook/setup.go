// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"errors"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

// The paths that the MutatingWebhookConfiguration names.
const (
	PodsPath      = "/mutate-pods"
	WorkloadsPath = "/mutate-workloads"
)

// Setup registers the webhook and what it needs with a manager, whose webhook server is [NewServer] with c.Current.
func Setup(mgr ctrl.Manager, c Certificates) error {
	server := mgr.GetWebhookServer()
	server.Register(PodsPath, &admission.Webhook{Handler: &Pods{mgr.GetClient()}})
	server.Register(WorkloadsPath, &admission.Webhook{Handler: &Workloads{mgr.GetClient()}})
	uninjected := &Uninjected{Reader: mgr.GetAPIReader(), Cache: mgr.GetClient(), Events: mgr.GetEventRecorder("hoist-webhook")}
	gatekeeper := &Gatekeeper{Reader: mgr.GetAPIReader(), Client: mgr.GetClient(), Events: mgr.GetEventRecorder("hoist-webhook"), Now: time.Now}
	return errors.Join(c.setup(mgr), uninjected.Setup(mgr), gatekeeper.Setup(mgr))
}
