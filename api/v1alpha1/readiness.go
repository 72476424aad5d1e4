// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// WeightsInVRAMCondition is the readiness gate of a pod whose weights must be in VRAM before it gets traffic.
const WeightsInVRAMCondition = "hoist.dev/weights-in-vram"

// WeightsInVRAMAnnotation of a pod is the status of that condition when it turned last. A kubelet looks at a pod anew when an annotation of it changes, and not
// when a condition does while containers are not ready: it would go by the condition that it knew before, up to a second longer.
const WeightsInVRAMAnnotation = "hoist.dev/weights-in-vram"
