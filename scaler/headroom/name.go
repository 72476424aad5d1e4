// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package headroom

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// BufferName is that of a policy's CapacityBuffer, in its namespace. Cluster Autoscaler makes a longer name of it.
func BufferName(policy string) string { return bounded("scale-"+policy, policy, 200) }

// PlaceholdersName is that of a policy's Deployment of placeholders, which lies beside those of all namespaces, and the value of their label.
func PlaceholdersName(policy client.ObjectKey) string {
	const digits = 8
	text := strings.ReplaceAll(policy.Namespace+"-"+policy.Name, ".", "-") // pods have host names
	return strings.TrimRight(text[:min(len(text), 52-1-digits)], "-") + "-" + hash(policy.String(), digits)
}

// bounded has at most so many characters, and is another for each of another.
func bounded(text, of string, most int) string {
	const digits = 16
	if len(text) <= most {
		return text
	}
	return strings.TrimRight(text[:most-1-digits], "-.") + "-" + hash(of, digits)
}

func hash(text string, digits int) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])[:digits]
}
