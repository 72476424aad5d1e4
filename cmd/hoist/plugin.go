// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// pluginName is what kubectl looks for: the program under this name is kubectl hoist.
const pluginName = "kubectl-hoist"

// newPlugin is kubectl hoist: all of it is about a cluster.
func newPlugin(dial dialer) *cobra.Command {
	root := newRootOn(dial)
	root.Short = "Say which model belongs on which nodes, and see it arrive"
	root.Long = `Say which model belongs on which nodes of a Kubernetes cluster, and see it arrive.

  hoist warm llama3-8b --nodes 4     bring a Model to four nodes
  hoist top                          watch the bytes arrive
  hoist why web-0                    say what a pod waits for

` + exitHelp
	root.ResetCommands()
	root.AddCommand(newModels(dial), newNodes(dial), newGPUs(dial), newTop(dial), newPlan(dial), newWarm(dial), newWhy(dial), newTimeline(dial), newDoctor(dial),
		newEvictCopies(dial), newPinCopies(dial), newUnpinCopies(dial))
	asPlugin(root)
	return root
}

// asPlugin has the help speak of kubectl hoist.
func asPlugin(cmd *cobra.Command) {
	if !cmd.HasParent() {
		cmd.Annotations = map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl hoist"}
	}
	cmd.Long = strings.ReplaceAll(cmd.Long, "\n  hoist ", "\n  kubectl hoist ")
	for _, sub := range cmd.Commands() {
		asPlugin(sub)
	}
}
