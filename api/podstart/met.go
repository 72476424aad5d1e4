// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package podstart

import (
	"regexp"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// Met is what a pod met on its node, as far as its events say. Events are gone after an hour or so.
type Met struct {
	Weights    v1alpha1.NodeState
	Mounting   time.Duration // of the model that took longest
	Downloaded int64         // bytes, of all models
	Images     v1alpha1.NodeState
	Pulling    time.Duration // of all images, one after another
}

const (
	// brief is what takes no longer was there: a model that lies on the node is mounted within milliseconds, and of an image that does, with the pull
	// policy Always, the registry is but asked.
	brief = 5 * time.Second
	// oddest is what no pull takes.
	oddest = 24 * time.Hour
)

// Meet reads a pod's events, in any order.
func Meet(events []corev1.Event) Met {
	met := Met{Weights: v1alpha1.UnknownState, Images: v1alpha1.UnknownState}
	for i := range events {
		switch e := &events[i]; e.Reason {
		case v1alpha1.MountedReason:
			if m, ok := v1alpha1.ParseMounted(e.Message); ok && m.Downloaded >= 0 {
				met.Mounting, met.Downloaded = max(met.Mounting, m.After), met.Downloaded+m.Downloaded
				met.Weights = state(met.Downloaded == 0 && met.Mounting < brief) // somebody else's download is waited for, too
			}
		case "Pulled":
			if took, ok := pulled(e.Message); ok {
				met.Pulling += took
				met.Images = state(met.Pulling < brief)
			}
		}
	}
	return met
}

func state(warm bool) v1alpha1.NodeState {
	if warm {
		return v1alpha1.WarmState
	}
	return v1alpha1.ColdState
}

var (
	pulledNow    = regexp.MustCompile(`^Successfully pulled image "[^"]*" in ([0-9hmsnuµ.]+)(?: \(([0-9hmsnuµ.]+) including waiting\))?`)
	pulledBefore = regexp.MustCompile(`^Container image "[^"]*" already present on machine`)
)

// pulled is how long the kubelet says that an image took, with its wait for others.
func pulled(note string) (time.Duration, bool) {
	if pulledBefore.MatchString(note) {
		return 0, true
	}
	words := pulledNow.FindStringSubmatch(note)
	if words == nil {
		return 0, false
	}
	took, err := time.ParseDuration(words[1])
	if whole, wrong := time.ParseDuration(words[2]); wrong == nil {
		took = max(took, whole)
	}
	return took, err == nil && took >= 0 && took < oddest
}
