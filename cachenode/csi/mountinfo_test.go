// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package csi

import (
	"fmt"
	"strings"
	"testing"
)

const someMounts = `22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/root rw
30 22 0:25 / /var/lib/kubelet/pods/a\040b/mount ro,nosuid,nodev,noexec,relatime shared:5 master:2 - ext4 /dev/root rw
31 22 0:26 / /twice ro,nosuid,nodev,noexec - tmpfs x rw
32 31 0:27 / /twice rw,relatime - tmpfs x ro,nosuid,nodev,noexec
33 22 0:28 / /almost ro,nosuid,nodev,relatime - tmpfs noexec ro,noexec
34 22 0:29 / /tab\011and\134back ro,relatime,noexec,nodev,nosuid - tmpfs x rw
cut off
35 22 0:30 / /cut
`

func TestMountinfo_State(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]MountState{
		"/": Open, "/var/lib/kubelet/pods/a b/mount": Sealed, "/var/lib/kubelet/pods/a": Unmounted,
		`/var/lib/kubelet/pods/a\040b/mount`: Unmounted, "/twice": Open, "/almost": Open,
		"/tab\tand\\back": Sealed, "/cut": Unmounted, "": Unmounted, "/dev/root": Unmounted,
	} {
		if got := stateIn(someMounts, target); got != want {
			t.Errorf("%q is %v, want %v", target, got, want)
		}
	}
}

// escape is what the kernel does (mangle in fs/proc_namespace.c).
func escape(path string) string {
	var b strings.Builder
	for _, c := range []byte(path) {
		if strings.IndexByte(" \t\n\\#", c) >= 0 {
			fmt.Fprintf(&b, `\%03o`, c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func FuzzMountinfo(f *testing.F) {
	f.Add("/var/lib/kubelet/pods/a b/mount", someMounts)
	f.Add("/\\040", "36 35 98:0 / \\04")
	f.Add("/\xff\n#", "a b c d e f g\n")
	f.Fuzz(func(t *testing.T, path, noise string) {
		if path == "" {
			return
		}
		line := "\n30 22 0:25 / " + escape(path) + " ro,nosuid,nodev,noexec - ext4 /dev/root rw\n"
		if got := stateIn(noise+line, path); got != Sealed {
			t.Fatalf("%q is %v after its line", path, got)
		}
		if got := stateIn(line+noise, path); got == Unmounted {
			t.Fatalf("%q was lost", path)
		}
		stateIn(path, noise) // whatever it is, it does not panic
	})
}
