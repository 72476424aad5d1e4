// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package gpu

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// inPod finds a pod's UID in the path of a cgroup, as both drivers of the kubelet write it:
// kubepods/burstable/pod1234… and kubepods-burstable-pod1234_….slice.
var inPod = regexp.MustCompile(`(?:^|/|-)pod([0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12})(?:\.slice)?(?:/|$)`)

// podOf is the UID of the pod that a process is in, by the content of its /proc/PID/cgroup, or "".
func podOf(cgroup string) string {
	for line := range strings.Lines(cgroup) {
		if match := inPod.FindStringSubmatch(strings.TrimSpace(line)); match != nil {
			return strings.ReplaceAll(match[1], "_", "-")
		}
	}
	return ""
}

// Usage is what pods hold of one device, by UID.
type Usage struct {
	Device
	Pods    map[string]int64
	Unknown bool // some process does not say how much it holds, or is of no pod that can be found: a sum may be too small
}

// Attribute says of each device what each pod holds. proc is where the host's processes are: /proc.
func Attribute(devices []Device, proc string) []Usage {
	all := make([]Usage, 0, len(devices))
	pods := map[int]string{}
	for _, d := range devices {
		u := Usage{Device: d, Pods: map[string]int64{}}
		for _, p := range d.Processes {
			pod, seen := pods[p.PID]
			if !seen {
				text, err := os.ReadFile(filepath.Join(proc, strconv.Itoa(p.PID), "cgroup"))
				if err == nil {
					pod = podOf(string(text))
				}
				pods[p.PID] = pod
			}
			switch {
			case p.Used < 0:
				u.Unknown = true
			case pod != "":
				u.Pods[pod] += p.Used
			}
		}
		all = append(all, u)
	}
	return all
}
