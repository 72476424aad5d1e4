// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"fmt"
	"time"
)

// MountedReason is that of the event which a node's agent writes on a pod whose model it has mounted.
const MountedReason = "ModelMounted"

// Mounted is what that event says.
//
// +kubebuilder:object:generate=false
type Mounted struct {
	Model      string        // its name
	After      time.Duration // since the kubelet asked for it first
	Downloaded int64         // bytes that came to the node meanwhile, for this pod
}

const mountedFormat = "model %s mounted %f s after the kubelet asked for it, %d bytes were downloaded meanwhile"

// String is the event's note.
func (m Mounted) String() string {
	return fmt.Sprintf("model %s mounted %.4f s after the kubelet asked for it, %d bytes were downloaded meanwhile", m.Model, m.After.Seconds(), m.Downloaded)
}

// ParseMounted reads the note of an event; ok is false for another's.
func ParseMounted(note string) (m Mounted, ok bool) {
	var seconds float64
	if _, err := fmt.Sscanf(note, mountedFormat, &m.Model, &seconds, &m.Downloaded); err != nil || !(seconds >= 0 && seconds < 1e9) {
		return Mounted{}, false
	}
	m.After = time.Duration(seconds * float64(time.Second))
	return m, true
}
