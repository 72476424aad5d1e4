// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// plugin is kubectl hoist on the cluster.
func (f fakeCluster) plugin(args ...string) outcome {
	f.t.Helper()
	root := newPlugin(func(*access) (cluster, error) { return cluster{Client: f.Client, namespace: "team-a"}, nil })
	var stdout, stderr output
	code := execute(f.t.Context(), root, args, &stdout, &stderr)
	return outcome{code, stdout.String(), stderr.String()}
}

// holding are nodes that have llama3-8b: one for a Prefetch, one under two pods, and one without a reason.
func holding() []client.Object {
	objects := []client.Object{&v1alpha1.Prefetch{ObjectMeta: named("warm-llama3-8b"), Spec: v1alpha1.PrefetchSpec{ModelName: "llama3-8b"}}}
	for name, mounts := range map[string]int32{"gpu-1": 0, "gpu-2": 2, "gpu-3": 0} {
		node := someNode(name)
		for _, o := range node {
			if c, ok := o.(*v1alpha1.CacheNode); ok {
				c.Status.Models = []v1alpha1.HeldModel{{Namespace: "team-a", Name: "llama3-8b", Revision: someRevision, Phase: v1alpha1.ReadyPhase, BytesDone: 16 << 30, Mounts: mounts}}
				if name == "gpu-1" {
					c.Spec.Models = []v1alpha1.WantedModel{{Namespace: "team-a", Name: "llama3-8b", Revision: someRevision}}
				}
			}
		}
		objects = append(objects, node...)
	}
	return objects
}

func TestPlugin_EvictAsksTheNodesAndSaysWhatBecomesOfEachCopy(t *testing.T) {
	t.Parallel()
	model := someModel("llama3-8b", 16<<30)
	model.Annotations = map[string]string{"mine": "stays"}
	f := newFakeCluster(t, interceptor.Funcs{}, append(holding(), model)...)
	before := time.Now()
	o := f.plugin("evict", "llama3-8b")
	o.want(t, exitOK)
	want := "copies of Model team-a/llama3-8b:\n" +
		"NODE    BYTES    WHAT BECOMES OF IT\n" +
		"gpu-1   16.0Gi   stays: wanted by Prefetch warm-llama3-8b\n" +
		"gpu-2   16.0Gi   stays: 2 pods have it mounted\n" +
		"gpu-3   16.0Gi   goes\n"
	if diff := cmp.Diff(want, o.stdout); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := f.Get(t.Context(), client.ObjectKeyFromObject(model), model); err != nil {
		t.Fatal(err)
	}
	at, err := time.Parse(time.RFC3339, model.Annotations[v1alpha1.EvictBeforeAnnotation])
	if err != nil || at.Before(before.Add(-time.Second)) || at.After(time.Now()) || model.Annotations["mine"] != "stays" {
		t.Errorf("annotations %v, %v", model.Annotations, err)
	}
	f.plugin("evict", "nothing").want(t, exitNotFound, "there is no Model nothing in namespace team-a")
}

func TestPlugin_PinKeepsTheModelWhereItIs(t *testing.T) {
	t.Parallel()
	f := newFakeCluster(t, interceptor.Funcs{}, append(holding(), someModel("llama3-8b", 16<<30))...)
	for range 2 { // again changes nothing
		f.plugin("pin", "llama3-8b").want(t, exitOK)
		want := v1alpha1.PrefetchSpec{ModelName: "llama3-8b", Nodes: v1alpha1.NodeTarget{Selector: &metav1.LabelSelector{
			MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "models.hoist.dev/team-a.llama3-8b", Operator: metav1.LabelSelectorOpExists}}}}}
		if diff := cmp.Diff(want, f.prefetch("pin-llama3-8b").Spec); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	f.plugin("unpin", "llama3-8b").says(t, "Prefetch team-a/pin-llama3-8b deleted")
	f.plugin("unpin", "llama3-8b").want(t, exitNotFound, "not found")
	f.plugin("pin", "nothing").want(t, exitNotFound, "there is no Model nothing in namespace team-a")
}

func TestPlugin_ShowsGPUs(t *testing.T) {
	t.Parallel()
	objects := someNode("gpu-1")
	f := newFakeCluster(t, interceptor.Funcs{}, objects...)
	if o := f.plugin("gpus"); o.code != exitOK || o.stderr != "no node tells of a GPU\n" {
		t.Errorf("%+v", o)
	}
	for _, o := range objects {
		if c, ok := o.(*v1alpha1.CacheNode); ok {
			c.Status.GPUs = []v1alpha1.GPU{{UUID: "GPU-a", Name: "NVIDIA H200", TotalBytes: 141 << 30, UsedBytes: 1 << 30}}
		}
	}
	newFakeCluster(t, interceptor.Funcs{}, objects...).plugin("gpus").says(t, "gpu-1   0     NVIDIA H200   141.0Gi   1.0Gi   140.0Gi   -")
}

// Replicas are asked about as the webhook would let their pods in: the Model wants GPUs with 40 GiB, which gpu-2 has not.
func TestPlugin_SaysHowManyReplicasFit(t *testing.T) {
	t.Parallel()
	model := someModel("llama3-8b", 42<<30)
	model.Status.WeightBytes = 40 << 30
	d := &appsv1.Deployment{ObjectMeta: named("llama"), Spec: appsv1.DeploymentSpec{Replicas: new(int32(3))}, Status: appsv1.DeploymentStatus{ReadyReplicas: 1}}
	d.Spec.Template.Annotations = map[string]string{v1alpha1.ModelAnnotation: "llama3-8b"}
	gpu := func(n string) corev1.ResourceList {
		return corev1.ResourceList{"nvidia.com/gpu": resource.MustParse(n)}
	}
	d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "vllm", Image: "vllm/vllm-openai", Resources: corev1.ResourceRequirements{Limits: gpu("1")}}}
	other := d.DeepCopy()
	other.Name, other.Spec.Template.Annotations = "other", nil
	node := func(name, mib string) *corev1.Node {
		n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"nvidia.com/gpu.memory": mib}}}
		n.Status.Conditions, n.Status.Allocatable = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}, gpu("4")
		return n
	}
	f := newFakeCluster(t, interceptor.Funcs{}, model, d, other, node("gpu-1", "81559"), node("gpu-2", "24564"))
	f.plugin("gpus").says(t, "NAMESPACE   WORKLOAD           MODEL       READY   FIT MORE   WHAT STOPS THE NEXT\n"+
		"team-a      deployment/llama   llama3-8b   1/3     4          nvidia.com/gpu on 1 node; VRAM on 1 node\n")
	quota := &corev1.ResourceQuota{ObjectMeta: named("gpus"), Spec: corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{"requests.nvidia.com/gpu": resource.MustParse("3")}}}
	if err := f.Create(t.Context(), quota); err != nil {
		t.Fatal(err)
	}
	f.plugin("gpus").says(t, "3          the quota gpus of requests.nvidia.com/gpu\n")
}

func TestPlugin_IsAboutAClusterAlone(t *testing.T) {
	t.Parallel()
	f := newFakeCluster(t, interceptor.Funcs{})
	o := f.plugin("--help")
	o.want(t, exitOK)
	o.says(t, "kubectl hoist warm llama3-8b --nodes 4")
	f.plugin("ls").want(t, exitUsage, "ls")
}
