// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package view

import (
	"fmt"
	"strings"
	"time"

	"github.com/hoist-dev/hoist/api/podstart"
	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// met says what the pod met on its node, or nothing where nobody has told.
func (s Scene) met() string {
	met := podstart.Meet(s.Events)
	var parts []string
	switch {
	case met.Weights == v1alpha1.WarmState:
		parts = append(parts, fmt.Sprintf("the weights were on the node, and mounted in %s", brief(met.Mounting)))
	case met.Weights == v1alpha1.ColdState && met.Downloaded == 0:
		parts = append(parts, fmt.Sprintf("the weights were on their way to the node, and mounted after %s", brief(met.Mounting)))
	case met.Weights == v1alpha1.ColdState:
		parts = append(parts, fmt.Sprintf("the weights were not on the node: %s were downloaded, and mounted after %s", v1alpha1.HumanBytes(met.Downloaded), brief(met.Mounting)))
	}
	switch met.Images {
	case v1alpha1.WarmState:
		parts = append(parts, "its images were there")
	case v1alpha1.ColdState:
		parts = append(parts, "its images were pulled in "+brief(met.Pulling))
	}
	if len(parts) == 0 {
		return ""
	}
	text := strings.Join(parts, "; ")
	return "\n" + strings.ToUpper(text[:1]) + text[1:] + ".\n"
}

// brief is a time as its own size asks for: 9ms, 1.2s, 1m5s.
func brief(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	}
	return seconds(d)
}
