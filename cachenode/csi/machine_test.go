// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package csi

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	spec "github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"pgregory.net/rapid"
)

// machine is a kubelet at work on a driver that fails, crashes and restarts.
type machine struct {
	*rig
	asked map[string]*spec.NodePublishVolumeRequest // by pod: the kubelet will unpublish it
	acked map[string]bool                           // by pod: published
}

func TestDriver_MountsRecordsAndLeasesAgreeWhateverHappens(t *testing.T) {
	t.Parallel()
	base, run := t.TempDir(), 0
	rapid.Check(t, func(t *rapid.T) {
		run++
		m := &machine{rig: newRig(t, filepath.Join(base, strconv.Itoa(run))), asked: map[string]*spec.NodePublishVolumeRequest{}, acked: map[string]bool{}}
		defer func() { m.driver.Close() }()
		t.Repeat(map[string]func(*rapid.T){
			"publish":   func(t *rapid.T) { m.publish(t, m.pod(t), m.model(t)) },
			"unpublish": func(t *rapid.T) { m.unpublish(t, m.pod(t)) },
			"publish and crash": func(t *rapid.T) {
				m.crash(t, 14)
				m.publish(t, m.pod(t), m.model(t))
				m.revive(t)
			},
			"unpublish and crash": func(t *rapid.T) {
				m.crash(t, 8)
				m.unpublish(t, m.pod(t))
				m.revive(t)
			},
			"restart": func(t *rapid.T) { m.revive(t) },
			"reboot": func(t *rapid.T) {
				m.world.reboot()
				clear(m.acked) // no container lives
				m.revive(t)
			},
			"mount vanishes": func(t *rapid.T) {
				pod := m.pod(t)
				delete(m.world.mounts, m.target(t, pod, "weights"))
				delete(m.acked, pod)
			},
			"step will fail": func(t *rapid.T) {
				step := rapid.SampledFrom([]string{"acquire", "resume", "write", "rename", "remove", "syncdir", "mkdir", "rmdir", "bind", "seal", "unmount", "state"}).Draw(t, "step")
				m.world.failures[step] += rapid.IntRange(1, 2).Draw(t, "times")
			},
			"": func(t *rapid.T) { m.check(t) },
		})
		m.settle(t)
	})
}

func (m *machine) pod(t *rapid.T) string {
	return rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "pod")
}

func (m *machine) model(t *rapid.T) string {
	return rapid.SampledFrom([]string{"llama", "mistral"}).Draw(t, "model")
}

// crash lets the process die within the next so many steps, or not.
func (m *machine) crash(t *rapid.T, steps int) {
	m.world.crashAt = m.world.steps + rapid.IntRange(1, steps).Draw(t, "dies at")
}

// revive starts the process anew; it may die again while it starts.
func (m *machine) revive(t *rapid.T) {
	m.driver.Close()
	dies := rapid.IntRange(0, 6).Draw(t, "dies again at")
	if dies > 0 {
		p := m.world.restart()
		m.options.Models, m.options.Mounter = p, p
		m.crash(t, dies)
		if d, err := New(m.options); err == nil {
			d.Close()
		}
	}
	for range 100 { // each failure is spent once
		if m.start() == nil {
			return
		}
	}
	t.Fatal("it does not start any more")
}

func (m *machine) publish(t *rapid.T, pod, model string) {
	ask := m.request(t, pod, model)
	_, err := (node{driver: m.driver}).NodePublishVolume(t.Context(), ask)
	switch status.Code(err) {
	case codes.OK:
		m.asked[pod], m.acked[pod] = ask, true
	case codes.AlreadyExists:
		if before := m.asked[pod]; before == nil {
			t.Fatalf("nothing was published, and yet: %v", err)
		}
	case codes.Aborted, codes.Canceled, codes.DeadlineExceeded, codes.ResourceExhausted, codes.Unavailable:
		m.asked[pod] = ask // the kubelet takes it for half done
	default:
		// A final answer: without a mount from before, the kubelet does not come back.
		mounts, leases := m.world.snapshot()
		if m.asked[pod] == nil && !m.world.crashed && len(mounts[ask.GetTargetPath()])+leases[ask.GetVolumeId()] > 0 {
			t.Fatalf("%v left a mount or a lease", err)
		}
		if m.world.crashed {
			m.asked[pod] = ask // no answer at all
		} else if len(mounts[ask.GetTargetPath()]) == 0 {
			_ = os.Remove(ask.GetTargetPath()) // as the kubelet does, if it is there
		}
	}
}

func (m *machine) unpublish(t *rapid.T, pod string) {
	ask := m.asked[pod]
	if ask == nil {
		ask = m.request(t, pod, "llama")
	}
	delete(m.acked, pod) // its containers are gone
	if _, err := (node{driver: m.driver}).NodeUnpublishVolume(t.Context(), unrequest(ask)); err == nil {
		delete(m.asked, pod)
	} else {
		m.asked[pod] = ask
	}
}

// check holds after each operation that was not cut by a crash.
func (m *machine) check(t *rapid.T) {
	mounts, leases := m.world.snapshot()
	leased := map[string]bool{}
	for _, p := range m.driver.Published() {
		leased[p.Claim.Pod.Name] = p.Leased
	}
	for _, pod := range []string{"a", "b", "c"} {
		at, volume := m.target(t, pod, "weights"), "csi-"+pod
		_, err := os.Stat(filepath.Join(m.options.Records, recordName(volume)))
		_, booked := leased[pod]
		if mounted := len(mounts[at]) > 0; mounted && (!booked || err != nil || leased[pod] != (leases[volume] == 1)) {
			t.Fatalf("pod %s: mounted %v, booked %v, leases %d, record: %v", pod, mounts[at], booked, leases[volume], err)
		}
		if leases[volume] > 1 || (leases[volume] == 1 && !booked) {
			t.Fatalf("pod %s: %d leases, booked %v", pod, leases[volume], booked)
		}
		if m.acked[pod] && (len(mounts[at]) != 1 || mounts[at][0].state != Sealed) {
			t.Fatalf("pod %s reads its model, but mounted is %v", pod, mounts[at])
		}
	}
}

// settle ends all pods, without further failures: nothing may be left.
func (m *machine) settle(t *rapid.T) {
	clear(m.world.failures)
	m.revive(t)
	m.check(t)
	files, err := os.ReadDir(m.options.Records)
	if err != nil || len(files) != len(m.world.mounts) || len(files) != len(m.world.leases) {
		t.Fatalf("after a start: %d records (%v), %d mounts, %d leases", len(files), err, len(m.world.mounts), len(m.world.leases))
	}
	for _, pod := range slices.Collect(maps.Keys(m.asked)) {
		m.unpublish(t, pod)
	}
	m.holds(t, 0)
	for pod := range m.asked {
		t.Fatalf("pod %s can't be unpublished", pod)
	}
	left, err := filepath.Glob(filepath.Join(m.options.PodsRoot, "*", "*", "*", "*", "mount"))
	if err != nil || len(left) > 0 {
		t.Fatalf("directories are left: %v, %v", left, err)
	}
}
