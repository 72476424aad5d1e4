// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package mount_test

import (
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/bench/synth"
)

// How fast a pod's mount is read beside the file below it: sequential, random and mmap, from the page cache, interleaved, medians of 11.
func TestMeasure_ReadingThroughTheMount(t *testing.T) { //nolint:paralleltest // measures
	measured(t)
	s := newScene(t)
	s.PutModel(t, "tiny/", synth.Options{Size: 256 << 20, Shard: 300 << 20, Seed: 40})
	s.model("tiny", "tiny/", "")
	s.pod("reader", "tiny", "node1")
	pod := s.AwaitReady("reader", 1)[0]
	node, err := s.Cluster.Node("node1")
	if err != nil {
		t.Fatal(err)
	}
	var model v1alpha1.Model
	if err := s.Hoist.Get(t.Context(), client.ObjectKey{Namespace: s.Name, Name: "tiny"}, &model); err != nil {
		t.Fatal(err)
	}
	const shard = "model-00001-of-00001.safetensors"
	paths := map[string]string{
		"mount": node.Machine.Path("/var/lib/kubelet/pods/" + string(pod.UID) + "/volumes/kubernetes.io~csi/model/mount/" + shard),
		"file":  node.Machine.Path("/var/lib/hoist/cache/models/" + model.Status.Revision[len("sha256:"):] + "/" + shard),
	}
	for name, read := range map[string]func(*testing.T, *os.File) int64{"sequential": sequential, "random 4 KiB": scattered, "mmap": mapped} {
		took := map[string][]float64{}
		for round := range 12 {
			for kind, path := range paths {
				seconds := timed(t, path, read)
				if round > 0 { // the first warms
					took[kind] = append(took[kind], seconds)
				}
			}
		}
		for _, all := range took {
			slices.Sort(all)
		}
		mount, file := took["mount"][5], took["file"][5]
		t.Logf("%s: mount %.1f ms, file %.1f ms, ratio %.3f", name, mount*1e3, file*1e3, mount/file)
	}
	s.awaitCondition(new(v1alpha1.Model), "tiny", v1alpha1.ReadyCondition, metav1.ConditionTrue, "")
}

func timed(t *testing.T, path string, read func(*testing.T, *os.File) int64) float64 {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	start := time.Now()
	if read(t, file) == 0 {
		t.Fatal("nothing was read")
	}
	return time.Since(start).Seconds()
}

func sequential(t *testing.T, file *os.File) (read int64) {
	t.Helper()
	buffer := make([]byte, 1<<20)
	for {
		n, err := file.Read(buffer)
		read += int64(n)
		if err == io.EOF {
			return read
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func scattered(t *testing.T, file *os.File) (read int64) {
	t.Helper()
	buffer, source := make([]byte, 4096), rand.New(rand.NewPCG(1, 1))
	for range 50_000 {
		n, err := file.ReadAt(buffer, source.Int64N(250<<20)&^4095)
		if err != nil {
			t.Fatal(err)
		}
		read += int64(n)
	}
	return read
}

func mapped(t *testing.T, file *os.File) (sum int64) {
	t.Helper()
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	data, err := unix.Mmap(int(file.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Munmap(data) }()
	for i := 0; i < len(data); i += os.Getpagesize() {
		sum += int64(data[i]) + 1
	}
	return sum
}
