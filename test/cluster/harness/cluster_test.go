// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hoist-dev/hoist/test/cluster/deviceplugin"
)

func TestMain(m *testing.M) {
	RunAsPartOfACluster(context.Background(), os.Args[1:]) // as the first process of a machine
	os.Exit(m.Run())
}

func TestOptions_AreRefusedBeforeAnythingIsMade(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		options Options
		says    string // nothing where they are good
	}{
		{Options{Name: "a"}, ""},
		{Options{Name: "a-1", Nodes: maxNodes, KWOK: 1000}, ""},
		{Options{Name: strings.Repeat("a", nameLimit)}, ""},
		{Options{Name: strings.Repeat("a", nameLimit+1)}, "at most 20"},
		{Options{}, "a letter first"},
		{Options{Name: "1a"}, "a letter first"},
		{Options{Name: "A"}, `"A"`},
		{Options{Name: "a-"}, `"a-"`},
		{Options{Name: "a\n"}, `"a\n"`},
		{Options{Name: "../a"}, `"../a"`},
		{Options{Name: "a", Nodes: -1}, "-1 nodes: want 0 to 15"},
		{Options{Name: "a", Nodes: maxNodes + 1}, "16 nodes: want 0 to 15"},
		{Options{Name: "a", KWOK: -1}, "-1 simulated nodes"},
	} {
		err := test.options.validate()
		switch {
		case test.says == "" && err != nil:
			t.Errorf("%+v: %v", test.options, err)
		case test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says)):
			t.Errorf("%+v: %v, want %s", test.options, err, test.says)
		}
	}
}

func TestPorts_AreAllDifferent(t *testing.T) {
	t.Parallel()
	free, err := freePorts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []ports{free, fixedPorts} {
		seen := map[int]bool{0: true}
		for _, port := range []int{p.API, p.EtcdClient, p.EtcdPeer, p.ControllerManager, p.Scheduler, p.Prometheus, p.Discovery, p.S3} {
			if seen[port] {
				t.Errorf("port %d is none, or another's: %+v", port, p)
			}
			seen[port] = true
		}
	}
}

func TestGPU_LabelsAreThoseOfFeatureDiscovery(t *testing.T) {
	t.Parallel()
	want := []string{
		"nvidia.com/gpu.present=true", "nvidia.com/gpu.count=8", "nvidia.com/gpu.memory=81920", "nvidia.com/gpu.product=NVIDIA-H100-80GB-HBM3",
		"nvidia.com/gpu.replicas=1", "nvidia.com/gpu.sharing-strategy=none", "nvidia.com/mig.capable=false",
	}
	if diff := cmp.Diff(want, GPU{Count: 8, Name: "NVIDIA H100 80GB HBM3", MemoryBytes: 80 << 30}.labels()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := (GPU{Name: "NVIDIA L4"}).labels(); len(got) != 0 {
		t.Errorf("a node without one has %v", got)
	}
}

func TestCheckReady_WantsTheConditionAndTheGPUs(t *testing.T) {
	t.Parallel()
	c := &Cluster{state: state{Nodes: []Node{{Name: "node1", GPU: GPU{Count: 2}}, {Name: "node2"}}}}
	for _, test := range []struct {
		node   string
		status corev1.ConditionStatus
		gpus   string
		ready  bool
	}{
		{"node1", corev1.ConditionTrue, "2", true},
		{"node1", corev1.ConditionTrue, "0", false}, // the plugin has not registered
		{"node1", corev1.ConditionTrue, "3", false},
		{"node1", corev1.ConditionFalse, "2", false},
		{"node1", corev1.ConditionUnknown, "2", false},
		{"node2", corev1.ConditionTrue, "0", true},
		{"simulated", corev1.ConditionTrue, "8", true},
		{"simulated", corev1.ConditionFalse, "8", false},
	} {
		err := c.checkReady(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: test.node}, Status: corev1.NodeStatus{
			Conditions:  []corev1.NodeCondition{{Type: corev1.NodeDiskPressure, Status: corev1.ConditionTrue}, {Type: corev1.NodeReady, Status: test.status}},
			Allocatable: corev1.ResourceList{deviceplugin.Resource: resource.MustParse(test.gpus)},
		}})
		if (err == nil) != test.ready {
			t.Errorf("%+v: %v", test, err)
		}
	}
}
