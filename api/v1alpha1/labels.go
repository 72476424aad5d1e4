// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"crypto/sha256"
	"encoding/hex"
)

// ModelLabelPrefix is of the labels that say which models a node has: a hint for schedulers and people; CacheNode is the truth.
const ModelLabelPrefix = "models.hoist.dev/"

// PlaceholderLabel is of the pods that keep room on nodes for a ScalePolicy's next replicas, and make way for any other pod.
const PlaceholderLabel = "hoist.dev/placeholder"

// ModelLabel is the label of a model; its value is the phase, Ready or Fetching. Long names are hashed: the name part of a label has
// at most 63 characters.
func ModelLabel(namespace, name string) string {
	part := namespace + "." + name
	if len(part) > 63 {
		sum := sha256.Sum256([]byte(part))
		part = hex.EncodeToString(sum[:16])
	}
	return ModelLabelPrefix + part
}
