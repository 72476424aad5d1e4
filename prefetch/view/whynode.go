// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package view

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// onNode is what a pod waits for that has a node, and Models that can be mounted.
func (s Scene) onNode(claims []Claim) string {
	node := s.Pod.Spec.NodeName
	if !s.registered() {
		return fmt.Sprintf("%s waits: node %s has no Hoist agent (%s is not registered)", s.pod(), node, v1alpha1.Driver)
	}
	for _, c := range claims {
		held := s.held(c)
		if held == nil || held.Phase != v1alpha1.ReadyPhase {
			return s.fetching(c, held)
		}
	}
	var names []string
	for _, c := range claims {
		names = append(names, c.Model.Name)
	}
	there := fmt.Sprintf("model %s is on node %s", strings.Join(names, ", "), node)
	if e := s.latest(isWarning); e != nil {
		return fmt.Sprintf("%s waits, though %s: %s", s.pod(), there, reason(e))
	}
	return fmt.Sprintf("%s is about to start: %s, and its kubelet mounts it", s.pod(), there)
}

// fetching is how far a claim's model is; held is what the node says of it, or nil.
func (s Scene) fetching(c Claim, held *v1alpha1.HeldModel) string {
	waits := fmt.Sprintf("%s waits for model %s on node %s", s.pod(), c.Model.Name, s.Pod.Spec.NodeName)
	if problem := s.agentProblem(); problem != "" {
		return waits + ": " + problem
	}
	if held != nil && held.Phase == v1alpha1.FailedPhase {
		return waits + ", which can't get it: " + clean(held.Message)
	}
	if held != nil && held.Phase == v1alpha1.FetchingPhase && held.BytesTotal > 0 {
		return waits + ": " + far(held)
	}
	if e := s.latest(aboutModel(c)); e != nil {
		return waits + ": " + strings.TrimPrefix(reason(e), "model "+c.Model.Name+": ")
	}
	return waits + ": the download has not begun"
}

// far is progress for people: "11.5Gi of 15.0Gi are there, 295.6Mi/s, 12s left".
func far(m *v1alpha1.HeldModel) string {
	text := fmt.Sprintf("%s of %s are there", v1alpha1.HumanBytes(m.BytesDone), v1alpha1.HumanBytes(m.BytesTotal))
	if m.BytesPerSecond > 0 {
		text += ", " + pace(m.BytesPerSecond)
	}
	if m.RemainingSeconds >= 0 {
		text += ", " + left(m.RemainingSeconds) + " left"
	}
	return text
}

func (s Scene) registered() bool {
	if s.CSINode == nil {
		return s.Hidden
	}
	for i := range s.CSINode.Spec.Drivers {
		if s.CSINode.Spec.Drivers[i].Name == v1alpha1.Driver {
			return true
		}
	}
	return false
}

func (s Scene) agentProblem() string {
	if s.CacheNode == nil {
		return "" // it may be that it can't be read
	}
	return agentProblem(s.CacheNode, Options{Now: s.Now, Silence: s.Silence})
}

// held is what the node says of the claim's model, of the revision that a pod gets.
func (s Scene) held(c Claim) *v1alpha1.HeldModel {
	if s.CacheNode == nil {
		return nil
	}
	models := s.CacheNode.Status.Models
	i := slices.IndexFunc(models, func(m v1alpha1.HeldModel) bool {
		return m.Namespace == c.Model.Namespace && m.Name == c.Model.Name && m.Revision == s.Models[c.Model].Status.Revision
	})
	if i < 0 {
		return nil
	}
	return &models[i]
}
