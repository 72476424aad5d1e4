// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package csi

import "strings"

// sealing are the options that a mount of ours has.
var sealing = [...]string{"ro", "nosuid", "nodev", "noexec"}

// stateIn looks target up in the text of /proc/self/mountinfo (proc_pid_mountinfo(5)).
// What was mounted last is listed last.
func stateIn(mountinfo, target string) MountState {
	state := Unmounted
	for line := range strings.Lines(mountinfo) {
		if point, options, ok := parseMount(line); ok && point == target {
			state = stateOf(options)
		}
	}
	return state
}

// stateOf judges the options of the mount, not those of the file system.
func stateOf(options string) MountState {
	for _, want := range sealing {
		if !strings.Contains(","+options+",", ","+want+",") {
			return Open
		}
	}
	return Sealed
}

// parseMount takes the mount point and the options from a line such as
//
//	36 35 98:0 /mnt1 /mnt\0402 ro,noatime master:1 - ext3 /dev/root rw
func parseMount(line string) (point, options string, ok bool) {
	const fields = 6
	parts := strings.SplitN(line, " ", fields+1)
	if len(parts) <= fields {
		return "", "", false
	}
	return unescape(parts[4]), parts[5], true
}

// unescape undoes how the kernel writes what would break a line: \040 is a space.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) && octal(s[i+1]) && octal(s[i+2]) && octal(s[i+3]) {
			b.WriteByte((s[i+1]-'0')<<6 | (s[i+2]-'0')<<3 | (s[i+3] - '0'))
			i += 3
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func octal(c byte) bool { return '0' <= c && c <= '7' }
