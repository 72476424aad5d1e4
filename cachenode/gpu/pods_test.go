// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package gpu

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

const uid = "0a1b2c3d-1111-2222-3333-444455556666"

func TestPodOf_ReadsCgroupsOfAllKinds(t *testing.T) {
	t.Parallel()
	const under = "0a1b2c3d_1111_2222_3333_444455556666"
	for cgroup, want := range map[string]string{
		"12:memory:/kubepods/burstable/pod" + uid + "/4f5e\n0::/\n":                                                                         uid,
		"0::/kubepods/pod" + uid + "/4f5e\n":                                                                                                uid,
		"0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + under + ".slice/cri-containerd-4f5e.scope\n":                 uid,
		"0::/kubepods.slice/kubepods-pod" + under + ".slice/crio-4f5e.scope\n":                                                              uid,
		"0::/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/kubelet-kubepods-besteffort-pod" + under + ".slice/x\n": uid,
		"5:cpu:/nested/docker/1234/kubepods/besteffort/pod" + uid + "/x\n":                                                                  uid,
		"0::/user.slice/user-0.slice\n":                                                                                                     "",
		"0::/kubepods/podwithoutanumber/x\n":                                                                                                "",
		"0::/system.slice/tripod0a1b2c3d-1111-2222-3333-444455556666.service":                                                               "",
		"": "",
	} {
		if got := podOf(cgroup); got != want {
			t.Errorf("%q is of %q, want %q", cgroup, got, want)
		}
	}
}

func FuzzPodOf(f *testing.F) {
	f.Add("0::/kubepods/pod" + uid + "/4f5e\n")
	f.Fuzz(func(t *testing.T, cgroup string) {
		if got := podOf(cgroup); got != "" && len(got) != len(uid) {
			t.Errorf("%q", got)
		}
	})
}

func TestAttribute_SumsUpByPod(t *testing.T) {
	t.Parallel()
	proc := t.TempDir()
	for pid, cgroup := range map[int]string{1: "0::/kubepods/pod" + uid + "/a", 2: "0::/kubepods/pod" + uid + "/b", 3: "0::/system.slice/x"} {
		if err := os.MkdirAll(filepath.Join(proc, strconv.Itoa(pid)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(proc, strconv.Itoa(pid), "cgroup"), []byte(cgroup), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got := Attribute([]Device{
		{UUID: "GPU-a", Processes: []Process{{1, 10}, {2, 5}, {3, 100}, {4, 7}}},
		{UUID: "GPU-b", Processes: []Process{{1, -1}}},
		{UUID: "GPU-c"},
	}, proc)
	if len(got) != 3 || got[0].Pods[uid] != 15 || len(got[0].Pods) != 1 || got[0].Unknown || !got[1].Unknown || len(got[1].Pods) != 0 || got[2].Unknown {
		t.Errorf("it is %+v", got)
	}
}
