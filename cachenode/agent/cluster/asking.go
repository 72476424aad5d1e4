// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/cachenode/csi"
)

// asking is a volume that the kubelet asks for, as often as it takes.
type asking struct {
	since      time.Time
	downloaded int64
}

// forgottenAfter is when a volume that was never mounted is taken to have gone with its pod.
const forgottenAfter = 24 * time.Hour

// ask notes that the kubelet asks for a volume.
func (m *Mounts) ask(volume string, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.asking == nil {
		m.asking = map[string]asking{}
	}
	if _, known := m.asking[volume]; known {
		return
	}
	for other, a := range m.asking {
		if now.Sub(a.since) > forgottenAfter {
			delete(m.asking, other)
		}
	}
	m.asking[volume] = asking{since: now}
}

func (m *Mounts) downloaded(volume string, bytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if a, known := m.asking[volume]; known {
		a.downloaded += bytes
		m.asking[volume] = a
	}
}

// Mounted writes on a pod how long its model took to be mounted.
func (m *Mounts) Mounted(claim csi.Claim) {
	m.mu.Lock()
	a, known := m.asking[claim.Volume]
	delete(m.asking, claim.Volume)
	m.mu.Unlock()
	if known {
		m.Events.Eventf(reference(claim), nil, corev1.EventTypeNormal, v1alpha1.MountedReason, "Mounting", "%s",
			v1alpha1.Mounted{Model: claim.Model.Name, After: time.Since(a.since), Downloaded: a.downloaded})
	}
}

func reference(claim csi.Claim) *corev1.ObjectReference {
	return &corev1.ObjectReference{Kind: "Pod", APIVersion: "v1", Namespace: claim.Pod.Namespace, Name: claim.Pod.Name, UID: types.UID(claim.Pod.UID)}
}
