// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package doctor_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/yaml"

	"github.com/hoist-dev/hoist/api/capacity"
	"github.com/hoist-dev/hoist/scaler/doctor"
	"github.com/hoist-dev/hoist/scaler/kueue"
)

func read(t testing.TB, path string) []*doctor.Object {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := doctor.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func names(found []doctor.Finding, but ...doctor.Severity) (all []string) {
	for _, f := range found {
		if !slices.Contains(but, f.Severity) {
			all = append(all, f.Check)
		}
	}
	return all
}

// What a manifest has that follows the usual advice: nothing in it works, and it applies cleanly.
var usual = []string{"metric-does-not-exist", "divided-twice", "queue-alone", "cannot-wake", "empty-is-zero", "late-signal", "no-namespace", "pods-too-wide",
	"no-fallback", "dead-key", "no-port", "flapping", "cooldown-short", "activation-misunderstood", "polling-slow", "no-floor"}

func TestExamine_FindsWhatTheUsualManifestHas(t *testing.T) {
	t.Parallel()
	if got := names(doctor.Examine(read(t, "testdata/usual.yaml")[0])); !slices.Equal(got, usual) {
		t.Errorf("it finds\n%v\nwant\n%v", got, usual)
	}
}

// The same in the manifest of an article, where it lies beside the checkout.
func TestExamine_FindsWhatTheArticleHas(t *testing.T) {
	t.Parallel()
	const article = "../../../shared/facts/keda/article-scaledobject.yaml"
	if _, err := os.Stat(article); err != nil {
		t.Skip("the article's manifest is not here")
	}
	if got := names(doctor.Examine(read(t, article)[0])); !slices.Equal(got, usual) {
		t.Errorf("it finds\n%v\nwant\n%v", got, usual)
	}
}

const sound = `
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: chat, namespace: prod}
spec:
  scaleTargetRef: {name: chat}
  pollingInterval: 5
  cooldownPeriod: 1800
  minReplicaCount: 1
  maxReplicaCount: 4
  fallback: {failureThreshold: 15, replicas: 2, behavior: currentReplicasIfHigher}
  advanced: {horizontalPodAutoscalerConfig: {behavior: {scaleDown: {stabilizationWindowSeconds: 600}}}}
  triggers:
    - type: prometheus
      metadata:
        serverAddress: http://prometheus:9090
        ignoreNullValues: "false"
        query: sum({__name__=~"vllm:num_requests_(running|waiting)",namespace="prod",pod=~"chat-[a-z0-9]+-[a-z0-9]{5}"})
`

// Each check finds its one thing, and nothing in a manifest that is sound.
func TestExamine_EachCheck(t *testing.T) {
	t.Parallel()
	covered := map[string]bool{}
	for _, name := range usual {
		covered[name] = true
	}
	set := func(path string, value string) func(map[string]any) {
		return func(m map[string]any) {
			steps := strings.Split(path, ".")
			for _, step := range steps[:len(steps)-1] {
				switch next := m[step].(type) {
				case map[string]any:
					m = next
				case []any:
					m, _ = next[0].(map[string]any)
				default:
					made := map[string]any{}
					m[step], m = made, made
				}
			}
			var v any
			if err := yaml.Unmarshal([]byte(value), &v); err != nil {
				t.Fatal(err)
			}
			m[steps[len(steps)-1]] = v
		}
	}
	query := func(q string) func(map[string]any) { return set("spec.triggers.metadata.query", "'"+q+"'") }
	down := func(rules string) func(map[string]any) {
		return set("spec.advanced.horizontalPodAutoscalerConfig.behavior.scaleDown", rules)
	}
	wake := func(q string) func(map[string]any) {
		return func(m map[string]any) {
			set("spec.minReplicaCount", "0")(m)
			query(q)(m)
		}
	}
	// A pod that has no node, for this reason, and with this gate.
	waits := func(reason, gate string) (p corev1.Pod) {
		p.Name = "chat-6d4f-abcde"
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: reason, Message: "0/3 nodes are available: 3 Insufficient nvidia.com/gpu."}}
		if gate != "" {
			p.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: gate}}
		}
		return p
	}
	// A Prometheus that has both metrics, and scrapes them every so many seconds.
	scraped := func(every int32) *doctor.Metrics {
		m := &doctor.Metrics{Known: map[string]bool{}, Scraped: map[string]int32{}}
		for _, name := range []string{"vllm:num_requests_running", "vllm:num_requests_waiting"} {
			m.Known[name], m.Scraped[name] = true, every
		}
		return m
	}
	beside := func(q, activation string) func(map[string]any) {
		return func(m map[string]any) {
			spec, _ := m["spec"].(map[string]any)
			triggers, _ := spec["triggers"].([]any)
			spec["triggers"] = append(triggers, map[string]any{"type": "prometheus", "metadata": map[string]any{"serverAddress": "http://a:1", "ignoreNullValues": "false", "query": q, "activationThreshold": activation}})
		}
	}
	both := func(a, b func(map[string]any)) func(map[string]any) { return func(m map[string]any) { a(m); b(m) } }
	notes := []string{"metric-silent", "keda-version-unknown", "hpa-unknown-at-zero", "polled-for-nothing"}
	big := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Resources: corev1.ResourceRequirements{Limits: corev1.ResourceList{"nvidia.com/gpu": resource.MustParse("4")}}}}}}
	type everything struct {
		facts   *doctor.Facts
		metrics *doctor.Metrics
	}
	pod := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Resources: corev1.ResourceRequirements{Limits: corev1.ResourceList{"nvidia.com/gpu": resource.MustParse("1")}}}}}}
	quota := corev1.ResourceQuota{Spec: corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{"requests.nvidia.com/gpu": resource.MustParse("2")}}}
	for _, row := range []struct {
		change func(map[string]any)
		told   any // by a cluster, a Prometheus, or nobody
		want   string
	}{
		{func(map[string]any) {}, nil, ""},
		{func(map[string]any) {}, &doctor.Metrics{Known: map[string]bool{"vllm:num_requests_running": true, "vllm:num_requests_waiting": true}}, ""},
		{func(map[string]any) {}, &doctor.Metrics{Known: map[string]bool{"vllm:num_requests_running": true}}, "metric-not-in-prometheus"},
		{query("sum(vllm:num_requests_running) or vector(0)"), &doctor.Metrics{}, "metric-silent"},
		{query("sum(vllm:num_requests_running) or sum(ours)"), &doctor.Metrics{Known: map[string]bool{"ours": true}}, "metric-silent"},
		{query("sum(vllm:num_requests_running) or sum(ours)"), &doctor.Metrics{Known: map[string]bool{"vllm:num_requests_running": true}}, "metric-not-in-prometheus"},
		{func(map[string]any) {}, everything{&doctor.Facts{Pod: &corev1.Pod{}}, &doctor.Metrics{}}, "metric-silent"},
		{func(map[string]any) {}, everything{&doctor.Facts{Pod: &corev1.Pod{}, Replicas: 1}, &doctor.Metrics{}}, "metric-not-in-prometheus"},
		{query("sum(ours)"), everything{&doctor.Facts{Pod: &corev1.Pod{}}, &doctor.Metrics{}}, "metric-not-in-prometheus"},
		{func(map[string]any) {}, scraped(60), "scraped-rarely"},
		{func(map[string]any) {}, scraped(15), ""},
		{set("spec.pollingInterval", "1"), scraped(5), "polled-for-nothing"},
		{query("sum("), nil, "query-unreadable"},
		{set("spec.triggers.metadata", "{serverAddress: 'http://a:1', ignoreNullValues: 'false'}"), nil, "query-unreadable"},
		{query("vllm:num_requests_running"), nil, "several-elements"},
		{query("sum by (pod) (vllm:num_requests_running)"), nil, "several-elements"},
		{query("avg(vllm:num_requests_running)"), nil, "divided-twice"},
		{query("sum(a) / clamp_min(count(a), 1)"), nil, "divided-twice"},
		{query("max(DCGM_FI_DEV_FB_USED)"), nil, "gpu-metric"},
		{query("max(DCGM_FI_DEV_GPU_UTIL)"), nil, "gpu-metric"},
		{query("max(DCGM_FI_DEV_FB_USED)"), &doctor.Facts{Pod: &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Image: "ollama/ollama"}}}}}, ""},
		{query("max(DCGM_FI_DEV_FB_USED)"), &doctor.Facts{Pod: &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Image: "vllm/vllm-openai"}}}}}, "gpu-metric"},
		{beside("sum(DCGM_FI_DEV_GPU_UTIL{exported_namespace=\"prod\",exported_pod=~\"chat-[a-z0-9]+-[a-z0-9]{5}\"})", "0"), nil, ""},
		{beside("sum(DCGM_FI_DEV_GPU_UTIL{namespace=\"prod\",pod=~\"chat-[a-z0-9]+-[a-z0-9]{5}\"})", "0"), nil, "exporters-pod"},
		{both(set("spec.minReplicaCount", "0"), beside("sum(DCGM_FI_DEV_GPU_UTIL)", "0")), nil, "cannot-wake gpu-keeps-awake"},
		{both(set("spec.minReplicaCount", "0"), beside("sum(DCGM_FI_PROF_GR_ENGINE_ACTIVE)", "1000000")), nil, "cannot-wake"},
		{query("avg(a) * max(b)"), nil, ""},
		{query("2 * avg(a)"), nil, "divided-twice"},
		{set("spec.fallback.behavior", "static"), nil, "fallback-ends-replicas"},
		{set("spec.fallback.behavior", "currentReplicasIfLower"), nil, "fallback-ends-replicas"},
		{set("spec.fallback", "{failureThreshold: 3, behavior: currentReplicas}"), nil, ""},
		{set("spec.fallback.replicas", "0"), nil, ""},
		{set("spec.fallback", "{failureThreshold: 3}"), nil, "fallback-ends-replicas"},
		{down("{selectPolicy: Disabled}"), nil, ""},
		{down("{selectPolicy: Min, policies: [{type: Percent, value: 100, periodSeconds: 15}, {type: Pods, value: 1, periodSeconds: 60}]}"), nil, ""},
		{down("{policies: [{type: Percent, value: 100, periodSeconds: 15}, {type: Pods, value: 1, periodSeconds: 60}]}"), nil, "flapping"},
		{down("{selectPolicy: Min}"), nil, "flapping"},
		{set("spec.idleReplicaCount", "1"), nil, "idle-replicas"},
		{set("metadata.name", strings.Repeat("a", 55)), nil, "name-too-long"},
		{set("spec.triggers.authenticationRef", "{name: a}"), nil, "authentication-ignored"},
		{set("spec.triggers.metadata.serverAddress", "'::'"), nil, "no-port"},
		{set("spec.advanced.scalingModifiers", "{formula: a, target: '0.7'}"), nil, "fractional-target"},
		{func(m map[string]any) {
			set("spec.triggers", "[{type: external, metadata: {}}, {type: cron, metadata: {}}]")(m)
		}, nil, "external-scaler"},
		{func(m map[string]any) {
			set("spec.triggers", "[{type: external-push, metadata: {interceptorRoute: \"it's {a}\"}}, {type: cron, metadata: {}}]")(m)
		}, nil, "external-scaler"},
		{set("spec.triggers", "[{type: prometheus, metadata: {serverAddress: 'http://a:1', ignoreNullValues: 'false', query: 'sum(vllm:num_requests_running)'}}, "+
			"{type: prometheus, metadata: {serverAddress: 'http://a:1', ignoreNullValues: 'false', query: 'sum(vllm:num_requests_running) + sum(vllm:num_requests_waiting)'}}]"), nil, ""},
		{set("spec.triggers", "[{type: prometheus, metadata: {serverAddress: 'http://a:1', ignoreNullValues: 'false', query: 'sum(vllm:num_requests_running)'}}, "+
			"{type: prometheus, metadata: {serverAddress: 'http://a:1', ignoreNullValues: 'false', query: 'sum(vllm:num_requests_waiting)'}}]"), nil, "late-signal highest-not-sum"},
		{set("spec.triggers", "[{type: cpu, metricType: Utilization, metadata: {value: '60'}}]"), nil, ""},
		{func(map[string]any) {}, &doctor.Facts{}, "target-missing"},
		{func(map[string]any) {}, &doctor.Facts{Pod: pod, Replicas: 1, Quotas: []corev1.ResourceQuota{quota}}, "quota-too-small"},
		{func(map[string]any) {}, &doctor.Facts{Pod: pod, Failed: "exceeded quota"}, "pods-not-made"},
		{func(map[string]any) {}, &doctor.Facts{Pod: pod, Replicas: 1, HPA: "no metric"}, "hpa-unknown"},
		{func(map[string]any) {}, &doctor.Facts{Pod: pod, Kueue: &kueue.Queue{ClusterQueue: "gpus", Most: 2, Resource: "nvidia.com/gpu"}}, "kueue-quota-too-small"},
		{func(map[string]any) {}, &doctor.Facts{Pod: pod, Kueue: &kueue.Queue{ClusterQueue: "gpus", Most: 4, Resource: "nvidia.com/gpu"}}, ""},
		{func(map[string]any) {}, &doctor.Facts{Pod: pod, Kueue: &kueue.Queue{Broken: "there is no LocalQueue q"}}, "kueue-queue"},
		{func(map[string]any) {}, &doctor.Facts{Pod: pod, Replicas: 2, Pods: []corev1.Pod{waits("SchedulingGated", "kueue.x-k8s.io/admission"), waits("SchedulingGated", "kueue.x-k8s.io/admission")}}, "pods-gated"},
		{func(map[string]any) {}, &doctor.Facts{Pod: pod, Replicas: 2, Pods: []corev1.Pod{waits("SchedulingGated", "example.com/later")}}, "pods-gated"},
		{func(map[string]any) {}, &doctor.Facts{Pod: pod, Replicas: 2, Pods: []corev1.Pod{waits("Unschedulable", "")}, Fit: &capacity.Answer{Stops: []capacity.Why{{Stop: capacity.NoNodes}}}}, "pods-pending"},
		{func(map[string]any) {}, &doctor.Facts{Pod: pod, Replicas: 2, Pods: []corev1.Pod{{Spec: corev1.PodSpec{NodeName: "a"}}}}, ""},
		{func(map[string]any) {}, &doctor.Facts{Pod: big, Replicas: 1, Fit: &capacity.Answer{More: 1, Stranded: 4}}, "gpus-fragmented"},
		{func(map[string]any) {}, &doctor.Facts{Pod: big, Replicas: 1, Fit: &capacity.Answer{More: 3, Stranded: 4}}, ""},
		{func(map[string]any) {}, &doctor.Facts{Pod: big, Replicas: 1, Fit: &capacity.Answer{More: 1, Stranded: 3}}, ""},
		{func(map[string]any) {}, &doctor.Facts{Pod: pod, KEDA: &doctor.KEDA{Release: &doctor.Release{Major: 2, Minor: 20, Patch: 1}}}, "keda-old"},
		{func(map[string]any) {}, &doctor.Facts{Pod: pod, KEDA: &doctor.KEDA{Release: &doctor.Release{Major: 2, Minor: 20, Patch: 2}, Metrics: "keda/keda-operator-metrics-apiserver"}}, ""},
		{func(map[string]any) {}, &doctor.Facts{Pod: pod, KEDA: &doctor.KEDA{Release: &doctor.Release{Major: 3}, Metrics: "datadog/cluster-agent"}}, "external-metrics-taken"},
		{func(map[string]any) {}, &doctor.Facts{Pod: pod, KEDA: &doctor.KEDA{Unknown: "main"}}, "keda-version-unknown"},
		{func(map[string]any) {}, &doctor.Facts{Pod: pod, HPA: "ScalingDisabled"}, "hpa-unknown-at-zero"},
		{wake("sum(llm_d_epp_flow_control_pool_saturation{namespace=\"g\",model_name=\"m\"})"), nil, "awake-for-ever"},
		{wake("sum(llm_d_epp_flow_control_queue_size)"), nil, "wakes-for-anybody"},
		{wake("sum(llm_d_epp_request_running{model_name=~\"m.*\"})"), nil, "wakes-for-anybody"},
		{wake("sum(interceptor_request_concurrency{route_name=\"a\"})"), nil, "wakes-for-anybody"},
		{wake("sum(interceptor_request_concurrency{route_name=\"a\",route_namespace=\"b\"})"), nil, ""},
		{wake("sum(interceptor_pending_request_count{host=\"a\"})"), nil, "metric-renamed"},
		{set("status", "{conditions: [{type: Ready, status: 'False', message: broken}]}"), nil, "keda-not-ready"},
		{set("status", "{conditions: [{type: Fallback, status: 'True'}]}"), nil, "in-fallback"},
	} {
		var m map[string]any
		if err := yaml.Unmarshal([]byte(sound), &m); err != nil {
			t.Fatal(err)
		}
		row.change(m)
		content, err := yaml.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		o, err := doctor.Parse(content)
		if err != nil || o == nil {
			t.Fatal(string(content), err)
		}
		switch told := row.told.(type) {
		case *doctor.Facts:
			o.Facts = told
		case *doctor.Metrics:
			o.Metrics = told
		case everything:
			o.Facts, o.Metrics = told.facts, told.metrics
		}
		found := doctor.Examine(o)
		pasteable(t, found)
		if row.told == nil {
			mend(t, content, found)
		}
		got := names(found, doctor.Note)
		for _, f := range found {
			if slices.Contains(notes, f.Check) {
				got = append(got, f.Check)
			}
		}
		if strings.Join(got, " ") != row.want {
			t.Errorf("it finds %v, want %s, in\n%s", got, row.want, content)
		}
		for _, name := range got {
			covered[name] = true
		}
	}
	for _, name := range doctor.Checks() {
		if !covered[name] {
			t.Errorf("no test makes %s find anything", name)
		}
	}
}

// Every finding says what, why, and what to write, as YAML.
func pasteable(t *testing.T, found []doctor.Finding) {
	t.Helper()
	for _, f := range found {
		for document := range strings.SplitSeq(f.Fix, "---\n") {
			var m map[string]any
			if err := yaml.Unmarshal([]byte(document), &m); err != nil || len(m) == 0 {
				t.Errorf("%s: %v\n%s", f.Check, err, f.Fix)
			}
		}
		if f.What == "" || f.Why == "" || strings.Contains(f.What+f.Why+f.Fix, "%!") {
			t.Errorf("%s says nothing: %+v", f.Check, f)
		}
	}
}

func TestExamine_FixesAreYAML(t *testing.T) {
	t.Parallel()
	pasteable(t, doctor.Examine(read(t, "testdata/usual.yaml")[0]))
}

// A slip of the pen is told from a metric that nothing scrapes.
func TestExamine_NamesWhatIsMeant(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"vllm:num_request_running": "# is vllm:num_requests_running meant?", "sglang:num_queue_req": "# is sglang:num_queue_reqs meant?",
		"vllm:num_requests_running": "kind: PodMonitor", "ours": "kind: PodMonitor"} {
		o, err := doctor.Parse([]byte(strings.ReplaceAll(sound, "vllm:num_requests_(running|waiting)", name)))
		if err != nil {
			t.Fatal(err)
		}
		o.Metrics = &doctor.Metrics{}
		for _, f := range doctor.Examine(o) {
			if f.Check == "metric-not-in-prometheus" && !strings.Contains(f.Fix, want) {
				t.Errorf("%s: %s, want %s", name, f.Fix, want)
			}
		}
	}
}

// Kueue's own gate is explained as Kueue's, whoever else's is not; what bites in an old KEDA is what it has not mended yet.
func TestExamine_SaysWhose(t *testing.T) {
	t.Parallel()
	o, err := doctor.Parse([]byte(sound))
	if err != nil {
		t.Fatal(err)
	}
	gated := func(gate string) *doctor.Facts {
		p := corev1.Pod{}
		p.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: gate}}
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "SchedulingGated"}}
		return &doctor.Facts{Pod: &corev1.Pod{}, Pods: []corev1.Pod{p}}
	}
	old := func(text string) *doctor.Facts {
		r, ok := doctor.ParseRelease(text)
		if !ok {
			t.Fatal(text)
		}
		return &doctor.Facts{Pod: &corev1.Pod{}, KEDA: &doctor.KEDA{Release: &r}}
	}
	for _, row := range []struct {
		facts     *doctor.Facts
		says, not string
	}{
		{gated("kueue.x-k8s.io/admission"), "Kueue has not admitted them", "takes it away"},
		{gated("example.com/later"), "takes it away", "Kueue"},
		{old("v2.18.3"), "there is no fallback", "%!"},
		{old("2.19"), "NaN", "there is no fallback"},
		{old("2.20.1-debug"), "a negative number", "NaN"},
	} {
		o.Facts = row.facts
		found := doctor.Examine(o)
		if len(found) != 1 || !strings.Contains(found[0].Why, row.says) || strings.Contains(found[0].Why, row.not) {
			t.Errorf("want %s, not %s: %+v", row.says, row.not, found)
		}
	}
	for _, text := range []string{"main", "", "sha256:2.1", "99999.1"} {
		if r, ok := doctor.ParseRelease(text); ok {
			t.Errorf("%q is %v", text, r)
		}
	}
}

// docs/doctor.md explains each check, and no other.
func TestDocs_ExplainEachCheck(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/doctor.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\|").FindAllStringSubmatch(string(page), -1) {
		documented = append(documented, row[1])
	}
	known := doctor.Checks()
	slices.Sort(documented)
	slices.Sort(known)
	if !slices.Equal(documented, known) {
		t.Errorf("documented are\n%v\nknown are\n%v", documented, known)
	}
}

var update = flag.Bool("update", false, "write docs/doctor.md instead of comparing it")

// docs/doctor.md shows a manifest that follows the usual advice, and what is found in it.
func TestDocs_ShowWhatIsFound(t *testing.T) {
	t.Parallel()
	const path = "../../docs/doctor.md"
	manifest, err := os.ReadFile("testdata/usual.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var found strings.Builder
	for _, f := range doctor.Examine(read(t, "testdata/usual.yaml")[0]) {
		fmt.Fprintf(&found, "%-7s  %s [%s]\n", strings.ToUpper(string(f.Severity)), f.What, f.Check)
	}
	example := "```yaml\n" + string(manifest) + "```\n\n```text\n" + found.String() + "```\n"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```yaml\napiVersion: keda.*?```\n\n```text\n.*?```\n")
	if *update {
		page = block.ReplaceAllLiteral(page, []byte(example))
		if err := os.WriteFile(path, page, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(string(page), example) {
		t.Errorf("docs/doctor.md is stale: go test ./scaler/doctor -update writes it\n%s", example)
	}
}

// Whatever a manifest holds, it is examined or refused.
func FuzzRead(f *testing.F) {
	for _, page := range []string{"testdata/usual.yaml", "../scaledobject/testdata/full.yaml"} {
		content, err := os.ReadFile(page)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(content))
	}
	f.Add(sound)
	f.Fuzz(func(t *testing.T, text string) {
		all, err := doctor.Read(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, o := range all {
			if err := doctor.Write(new(strings.Builder), len(all), doctor.Examine(o)); err != nil {
				t.Error(err)
			}
		}
	})
}
