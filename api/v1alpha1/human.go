// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import "fmt"

// HumanBytes is a number of bytes for people, such as 131.4Gi: binary units, as Kubernetes quantities have them.
func HumanBytes(n int64) string {
	const step = 1024
	if n < step {
		return fmt.Sprint(n)
	}
	value, unit := float64(n), 0
	for value >= step && unit < len("KMGTPE") {
		value, unit = value/step, unit+1
	}
	return fmt.Sprintf("%.1f%ci", value, "KMGTPE"[unit-1])
}
