// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package scaler

import (
	"errors"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/scaler/coldstart"
	"github.com/hoist-dev/hoist/scaler/kueue"
)

func gpus(n string) corev1.ResourceList {
	return corev1.ResourceList{"nvidia.com/gpu": resource.MustParse(n)}
}

// quota of GPUs.
func quota(hard, used string) corev1.ResourceQuota {
	q := corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "gpus"}}
	q.Spec.Hard = corev1.ResourceList{"requests.nvidia.com/gpu": resource.MustParse(hard)}
	q.Status.Used = corev1.ResourceList{"requests.nvidia.com/gpu": resource.MustParse(used)}
	return q
}

// scene is a policy of a vLLM on one GPU, in a cluster that has room.
func scene() (*v1alpha1.ScalePolicy, Facts) {
	p := &v1alpha1.ScalePolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "llama", Generation: 2}}
	p.Spec.Target, p.Spec.MaxReplicas = v1alpha1.ScaleTarget{APIVersion: "apps/v1", Kind: "Deployment", Name: "llama"}, 4
	w := &Workload{Replicas: 2, Ready: 1}
	w.Template.Spec.Containers = []corev1.Container{{Name: "sidecar", Image: "envoy"}, {Name: "server", Image: "vllm/vllm-openai", Resources: corev1.ResourceRequirements{Limits: gpus("1")}}}
	node := corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "gpu-1"}}
	node.Status.Conditions, node.Status.Allocatable = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}, gpus("8")
	return p, Facts{Workload: w, Nodes: []corev1.Node{node}, Prometheus: "http://prometheus:9090"}
}

func TestSettle(t *testing.T) {
	t.Parallel()
	zero, seven := int32(0), int32(7)
	type result struct {
		server, from       string
		inFlight, min, max int32
		problems           string
	}
	usual := result{"vLLM", "Default", 22, 1, 4, ""}
	with := func(change func(*result)) result { r := usual; change(&r); return r }
	wake := &v1alpha1.WakeSource{Query: "sum(front)"}
	for name, row := range map[string]struct {
		change func(*v1alpha1.ScalePolicy, *Facts)
		want   result
	}{
		"as it comes": {func(*v1alpha1.ScalePolicy, *Facts) {}, usual},
		"arguments": {func(_ *v1alpha1.ScalePolicy, f *Facts) {
			f.Workload.Template.Spec.Containers[1].Args = []string{"--max-num-seqs=256"}
		},
			with(func(r *result) { r.inFlight, r.from = 179, "Arguments" })},
		"measured": {func(_ *v1alpha1.ScalePolicy, f *Facts) {
			f.Concurrency = 20
			f.Workload.Template.Spec.Containers[1].Args = []string{"--max-num-seqs=256"}
		},
			with(func(r *result) { r.inFlight, r.from = 14, "Measured" })},
		"measured about as before": {func(p *v1alpha1.ScalePolicy, f *Facts) {
			f.Concurrency, p.Status.InFlightFrom, p.Status.InFlightPerReplica = 20, "Measured", 12
		},
			with(func(r *result) { r.inFlight, r.from = 12, "Measured" })},
		"measured otherwise than before": {func(p *v1alpha1.ScalePolicy, f *Facts) {
			f.Concurrency, p.Status.InFlightFrom, p.Status.InFlightPerReplica = 20, "Measured", 11
		},
			with(func(r *result) { r.inFlight, r.from = 14, "Measured" })},
		"measured nonsense": {func(_ *v1alpha1.ScalePolicy, f *Facts) { f.Concurrency = 1e12 }, usual},
		"said":              {func(p *v1alpha1.ScalePolicy, _ *Facts) { p.Spec.InFlightPerReplica = &seven }, with(func(r *result) { r.inFlight, r.from = 7, "Spec" })},
		"named by the pods": {func(_ *v1alpha1.ScalePolicy, f *Facts) {
			f.Workload.Template.Annotations = map[string]string{v1alpha1.ServerAnnotation: "SGLang"}
		},
			with(func(r *result) { r.server = "SGLang" })},
		"sleeps, and something wakes it": {func(p *v1alpha1.ScalePolicy, _ *Facts) { p.Spec.MinReplicas, p.Spec.Wake = &zero, wake }, with(func(r *result) { r.min = 0 })},
		"may not sleep":                  {func(p *v1alpha1.ScalePolicy, _ *Facts) { p.Spec.MinReplicas = &zero }, with(func(r *result) { r.problems = "CannotWake" })},
		"tells of a queue alone": {func(p *v1alpha1.ScalePolicy, _ *Facts) {
			p.Spec.MinReplicas, p.Spec.Wake, p.Spec.Server = &zero, wake, "TEI"
		},
			with(func(r *result) { r.server, r.problems = "TEI", "CannotWake" })},
		"a query of one's own": {func(p *v1alpha1.ScalePolicy, f *Facts) {
			p.Spec.MinReplicas, p.Spec.Query, f.Workload.Template.Spec.Containers[1].Image = &zero, "sum(mine)", "ours"
		}, with(func(r *result) { r.server, r.min = "", 0 })},
		"quota": {func(_ *v1alpha1.ScalePolicy, f *Facts) {
			f.Quotas = []corev1.ResourceQuota{quota("8", "7")} // two of them ours
		}, with(func(r *result) { r.max, r.problems = 3, "QuotaTooSmall" })},
		"quota that pods are in which go": {func(p *v1alpha1.ScalePolicy, f *Facts) {
			two := int32(2)
			p.Spec.MaxReplicas, f.Workload.Replicas, f.Workload.Wanted, f.Workload.Terminating = 8, 6, 8, &two
			f.Quotas = []corev1.ResourceQuota{quota("8", "8")}
		}, with(func(r *result) { r.max = 8 })},
		"quota of nothing": {func(p *v1alpha1.ScalePolicy, f *Facts) {
			f.Workload.Replicas = 0
			f.Quotas = []corev1.ResourceQuota{{Spec: corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{"requests.nvidia.com/gpu": resource.MustParse("0")}}}}
			p.Spec.MinReplicas = &seven
			p.Spec.MaxReplicas = 9
		}, with(func(r *result) { r.min, r.max, r.problems = 1, 1, "QuotaTooSmall" })},
		"Kueue": {func(_ *v1alpha1.ScalePolicy, f *Facts) {
			f.Kueue = &kueue.Queue{ClusterQueue: "gpus", Most: 2, Resource: "nvidia.com/gpu"}
		},
			with(func(r *result) { r.max, r.problems = 2, "QuotaTooSmall" })},
		"Kueue admits more": {func(_ *v1alpha1.ScalePolicy, f *Facts) { f.Kueue = &kueue.Queue{Most: 4} }, usual},
		"Kueue's queue is stopped, which will end": {func(_ *v1alpha1.ScalePolicy, f *Facts) { f.Kueue = &kueue.Queue{Broken: "stopped"} },
			with(func(r *result) { r.problems = "QuotaTooSmall" })},
		"the lower of Kueue and quota": {func(_ *v1alpha1.ScalePolicy, f *Facts) {
			f.Kueue = &kueue.Queue{ClusterQueue: "gpus", Most: 3, Resource: "nvidia.com/gpu"}
			f.Quotas = []corev1.ResourceQuota{{Spec: corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{"requests.nvidia.com/gpu": resource.MustParse("0")}}}}
		}, with(func(r *result) { r.max, r.problems = 2, "QuotaTooSmall" })},
		"fleet": {func(p *v1alpha1.ScalePolicy, _ *Facts) { p.Spec.MaxReplicas = 9 }, with(func(r *result) { r.max, r.problems = 9, "FleetTooSmall" })},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, f := scene()
			row.change(p, &f)
			s, err := Settle(p, f)
			if err != nil {
				t.Fatal(err)
			}
			var problems []string
			for _, problem := range s.Problems {
				problems = append(problems, problem.Type)
			}
			if got := (result{string(s.Server), s.InFlightFrom, s.InFlight, s.Min, s.Max, strings.Join(problems, ",")}); got != row.want {
				t.Errorf("got %+v, want %+v", got, row.want)
			}
			if s.Slow != coldstart.Prior || s.Min > s.Max || s.Max < 1 {
				t.Errorf("%+v", s.Input)
			}
		})
	}
}

// GPUs that are busy are a trigger with every server; VRAM that is used with those that give it back, and the others say why not.
func TestSettle_RefusesWhatCouldNotScaleDown(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		image, metric string
		change        func(*corev1.PodTemplateSpec)
		reason, says  string
	}{
		"none":               {"vllm/vllm-openai", "", nil, "", ""},
		"vLLM's utilization": {"vllm/vllm-openai", v1alpha1.GPUUtilization, nil, "", ""},
		"vLLM's memory":      {"vllm/vllm-openai", v1alpha1.GPUMemory, nil, "VRAMKept", "vLLM does not give it back: it takes --gpu-memory-utilization"},
		"Ollama's memory":    {"ollama/ollama", v1alpha1.GPUMemory, nil, "", ""},
		"Ollama that is kept warm": {"ollama/ollama", v1alpha1.GPUMemory, func(t *corev1.PodTemplateSpec) {
			t.Annotations = map[string]string{v1alpha1.ServedModelAnnotation: "llama3"}
		}, "VRAMKept", "asked to load"},
		"a server of one's own": {"ours", v1alpha1.GPUMemory, nil, "ServerUnknown", "is not known"},
	} {
		p, f := scene()
		p.Spec.Query = "sum(mine)"
		if row.metric != "" {
			p.Spec.GPU = &v1alpha1.GPUTrigger{Metric: row.metric}
		}
		f.Workload.Template.Spec.Containers[1].Image = row.image
		if row.change != nil {
			row.change(&f.Workload.Template)
		}
		s, err := Settle(p, f)
		if err != nil {
			t.Fatal(err)
		}
		if made := row.metric != "" && row.reason == ""; (s.GPU != nil) != made {
			t.Errorf("%s: the trigger is %+v", name, s.GPU)
		}
		c := meta.FindStatusCondition(status(p, f.Workload, s, scaledStatus{}, nil).Conditions, v1alpha1.GPUMetricRefusedCondition)
		if (c == nil) != (row.reason == "") || c != nil && (c.Reason != row.reason || !strings.Contains(c.Message, row.says)) {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

// What lowers the maximum is named.
func TestSettle_SaysWhatIsTooSmall(t *testing.T) {
	t.Parallel()
	p, f := scene()
	f.Kueue = &kueue.Queue{ClusterQueue: "gpus", Most: 2, Resource: "nvidia.com/gpu", Cohort: "all"}
	s, err := Settle(p, f)
	want := Problem{"QuotaTooSmall", "Kueue", "Kueue's ClusterQueue gpus, with what the cohort all lends, of nvidia.com/gpu admits 2 replicas of the 4 that may be"}
	if err != nil || len(s.Problems) != 1 || s.Problems[0] != want {
		t.Errorf("%+v, %v", s.Problems, err)
	}
}

func TestSettle_SaysWhyItCant(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*v1alpha1.ScalePolicy, *Facts){
		v1alpha1.TargetMissingReason:     func(_ *v1alpha1.ScalePolicy, f *Facts) { f.Workload = nil },
		v1alpha1.PrometheusMissingReason: func(_ *v1alpha1.ScalePolicy, f *Facts) { f.Prometheus = "" },
		v1alpha1.ServerUnknownReason:     func(_ *v1alpha1.ScalePolicy, f *Facts) { f.Workload.Template.Spec.Containers[1].Image = "ours" },
		v1alpha1.FloorInvalidReason: func(p *v1alpha1.ScalePolicy, _ *Facts) {
			p.Spec.Floors = []v1alpha1.Floor{{Name: "a", Start: "0 8 * * *", End: "0 25 * * *"}}
		},
	} {
		p, f := scene()
		change(p, &f)
		_, err := Settle(p, f)
		var unready *Unready
		if !errors.As(err, &unready) || unready.Reason != want || unready.Message == "" {
			t.Errorf("%s: %v", want, err)
		}
		s := status(p, f.Workload, Settled{}, scaledStatus{}, err)
		if c := s.Conditions[0]; c.Type != v1alpha1.ReadyCondition || c.Status != metav1.ConditionFalse || c.Reason != want || s.ObservedGeneration != 2 {
			t.Errorf("%s: status %+v", want, s)
		}
	}
}

// The status is what KEDA says of the ScaledObject, and what is wrong is there as long as it is.
func TestStatus(t *testing.T) {
	t.Parallel()
	p, f := scene()
	p.Spec.MaxReplicas = 9
	s, err := Settle(p, f)
	if err != nil {
		t.Fatal(err)
	}
	said := func(ready, fallback metav1.ConditionStatus) scaledStatus {
		return scaledStatus{[]metav1.Condition{{Type: "Ready", Status: ready, Message: "from KEDA"}, {Type: "Fallback", Status: fallback}}}
	}
	types := func(s v1alpha1.ScalePolicyStatus) string {
		var all strings.Builder
		for _, c := range s.Conditions {
			all.WriteString(c.Type + "=" + string(c.Status) + "/" + c.Reason + " ")
		}
		return all.String()
	}
	p.Status = status(p, f.Workload, s, said(metav1.ConditionTrue, metav1.ConditionTrue), nil)
	if got := types(p.Status); got != "Ready=True/Scaling FleetTooSmall=True/Fleet DemandUnknown=True/Fallback " || p.Status.Replicas != 2 || p.Status.ReadyReplicas != 1 {
		t.Errorf("%s, %+v", got, p.Status)
	}
	again := status(p, f.Workload, s, said(metav1.ConditionTrue, metav1.ConditionTrue), nil)
	for i, c := range again.Conditions {
		if !c.LastTransitionTime.Equal(&p.Status.Conditions[i].LastTransitionTime) {
			t.Errorf("%s turned again", c.Type)
		}
	}
	s.Problems = nil
	if got := types(status(p, f.Workload, s, said(metav1.ConditionFalse, metav1.ConditionFalse), nil)); got != "Ready=False/KEDANotReady " {
		t.Errorf("with KEDA unwell: %s", got)
	}
	p.Spec.Suspend = true
	if got := types(status(p, f.Workload, s, said(metav1.ConditionTrue, metav1.ConditionFalse), nil)); got != "Ready=False/Suspended " {
		t.Errorf("suspended: %s", got)
	}
}
