// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package demand_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/hoist-dev/hoist/api/inference"
	"github.com/hoist-dev/hoist/scaler/demand"
)

var target = demand.Target{Namespace: "ns", Name: "m", Policy: "ns/p"}

// scenario is what Prometheus has scraped, and what a query must then give at 10 minutes; "" is nothing.
type scenario struct {
	name   string
	query  string
	series map[string]string // values every 15 s
	want   string
}

const pod = `namespace="ns",pod="m-6d4f-abcde"`

func query(t *testing.T, kind inference.Kind, to demand.Target) string {
	t.Helper()
	q, err := demand.Query(kind, to)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func scenarios(t *testing.T) []scenario {
	t.Helper()
	ready := func(values string) map[string]string {
		return map[string]string{`hoist_scale_ready_replicas{policy="ns/p",instance="a"}`: values}
	}
	with := func(base map[string]string, more ...string) map[string]string {
		for i := 0; i < len(more); i += 2 {
			base[more[i]] = more[i+1]
		}
		return base
	}
	vllm := query(t, inference.VLLM, target)
	set := target
	set.StatefulSet = true
	long := target
	long.Name = strings.Repeat("n", 50)
	busy, ok := demand.Concurrency(inference.VLLM, target)
	if _, both := demand.Concurrency(inference.TEI, target); !ok || both {
		t.Error("vLLM tells both of what runs and of what waits, TEI does not")
	}
	other := `namespace="ns",pod="m-6d4f-fghij"`
	// What DCGM's exporter says of a GPU, scraped as its operator has it, or with its labels honored.
	dcgm := func(metric, gpu, namespace, pod string) string {
		return fmt.Sprintf("%s{namespace=\"gpu-operator\",pod=\"nvidia-dcgm-exporter-x7k2p\",gpu=%q,exported_namespace=%q,exported_pod=%q}", metric, gpu, namespace, pod)
	}
	honored := func(metric, gpu, namespace, pod string) string {
		return fmt.Sprintf("%s{namespace=%q,pod=%q,gpu=%q}", metric, namespace, pod, gpu)
	}
	const util, active, used, free = "DCGM_FI_DEV_GPU_UTIL", "DCGM_FI_PROF_GR_ENGINE_ACTIVE", "DCGM_FI_DEV_FB_USED", "DCGM_FI_DEV_FB_FREE"
	gpu, vram := demand.GPU(target, "gpu-operator", false), demand.GPU(target, "gpu-operator", true)
	add := demand.HTTPAddOn("keda", "ns", "llama")
	interceptor := func(namespace, instance, routeNamespace, route string) string {
		return fmt.Sprintf("interceptor_request_concurrency{namespace=%q,instance=%q,route_namespace=%q,route_name=%q}", namespace, instance, routeNamespace, route)
	}
	return []scenario{
		{"concurrency is what runs while others wait", busy, map[string]string{`vllm:num_requests_running{` + pod + `}`: "3x19 17x20", `vllm:num_requests_waiting{` + pod + `}`: "0x19 4x20"}, "17"},
		{"concurrency of the middle replica", busy, map[string]string{`vllm:num_requests_running{` + pod + `}`: "16x40", `vllm:num_requests_waiting{` + pod + `}`: "1x40",
			`vllm:num_requests_running{` + other + `}`: "20x40", `vllm:num_requests_waiting{` + other + `}`: "1x40"}, "18"},
		{"concurrency where nothing ever waited", busy, map[string]string{`vllm:num_requests_running{` + pod + `}`: "3x40", `vllm:num_requests_waiting{` + pod + `}`: "0x40"}, ""},
		{"running and waiting add up, over pods", vllm, with(ready("2x40"), `vllm:num_requests_running{`+pod+`,engine="0"}`, "32x40", `vllm:num_requests_waiting{`+pod+`,engine="0"}`, "5x40",
			`vllm:num_requests_running{namespace="ns",pod="m-6d4f-fghij"}`, "7x40"), "44"},
		{"a canary's and another namespace's are not counted", vllm, with(ready("1x40"), `vllm:num_requests_running{`+pod+`}`, "3x40",
			`vllm:num_requests_running{namespace="ns",pod="m-canary-6d4f-abcde"}`, "50x40", `vllm:num_requests_running{namespace="other",pod="m-6d4f-abcde"}`, "70x40"), "3"},
		{"one metric of two is enough", vllm, with(ready("1x40"), `vllm:num_requests_running{`+pod+`}`, "3x40"), "3"},
		{"asleep is zero", vllm, ready("0x40"), "0"},
		{"just ready and not scraped yet is zero", vllm, ready("0x37 1x3"), "0"},
		{"ready for long and blind is unknown", vllm, ready("1x40"), ""},
		{"blind, and one controller says so after a change of leader", vllm, with(ready("0x40"), `hoist_scale_ready_replicas{policy="ns/p",instance="b"}`, "2x40"), ""},
		{"nobody says how many are ready", vllm, map[string]string{`up{job="x"}`: "1x40"}, ""},
		{"another policy's readiness is not this one's", vllm, map[string]string{`hoist_scale_ready_replicas{policy="ns/q"}`: "0x40"}, ""},
		{"a StatefulSet's pods", query(t, inference.VLLM, set), with(ready("1x40"), `vllm:num_requests_running{namespace="ns",pod="m-0"}`, "4x40", `vllm:num_requests_running{namespace="ns",pod="m-6d4f-abcde"}`, "9x40"), "4"},
		{"a name that its pods cut short", query(t, inference.VLLM, long), with(ready("1x40"), `vllm:num_requests_running{namespace="ns",pod="`+long.Name+`-6d4f5-abcde"}`, "4x40"), "4"},
		{"TGI before its first request is idle", query(t, inference.TGI, target), with(ready("1x40"), `up{`+pod+`}`, "1x40"), "0"},
		{"TGI", query(t, inference.TGI, target), with(ready("1x40"), `up{`+pod+`}`, "1x40", `tgi_queue_size{`+pod+`}`, "6x40", `tgi_batch_current_size{`+pod+`}`, "8x40"), "14"},
		{"TGI that is not scraped is unknown", query(t, inference.TGI, target), with(ready("1x40"), `up{`+pod+`}`, "0x40"), ""},
		{"SGLang's ranks tell of the same requests", query(t, inference.SGLang, target), with(ready("1x40"), `sglang:num_running_reqs{`+pod+`,tp_rank="0",pp_rank="0"}`, "6x40",
			`sglang:num_running_reqs{`+pod+`,tp_rank="1",pp_rank="0"}`, "6x40"), "6"},
		{"SGLang without ranks", query(t, inference.SGLang, target), with(ready("1x40"), `sglang:num_queue_reqs{`+pod+`}`, "6x40"), "6"},
		{"a query of one's own", demand.Own("sum(mine) # comment", target), with(ready("1x40"), "mine", "6x40"), "6"},
		{"a query of one's own, blind", demand.Own("sum(mine)", target), ready("1x40"), ""},
		{"nothing waits in front", demand.Waiting("sum(front)"), ready("0x40"), "0"},
		{"something waits in front", demand.Waiting("sum(front) # comment"), map[string]string{"front": "2x40"}, "2"},
		{"a forecast", demand.Forecast("ns/p"), map[string]string{`hoist_forecast_replicas{policy="ns/p"}`: "3x40", `hoist_forecast_timestamp_seconds{policy="ns/p"}`: "500x40"}, "3"},
		{"a forecast that is old", demand.Forecast("ns/p"), map[string]string{`hoist_forecast_replicas{policy="ns/p"}`: "3x40", `hoist_forecast_timestamp_seconds{policy="ns/p"}`: "200x40"}, "0"},
		{"no forecast", demand.Forecast("ns/p"), map[string]string{`hoist_forecast_replicas{policy="ns/q"}`: "3x40"}, "0"},
		{"the endpoint picker's queue, of this model alone", demand.EndpointPicker("ns", "llama"), map[string]string{
			`llm_d_epp_flow_control_queue_size{namespace="ns",model_name="llama",priority="0"}`: "2x40", `llm_d_epp_request_running{namespace="ns",model_name="llama"}`: "3x40",
			`llm_d_epp_flow_control_queue_size{namespace="ns",model_name="made-up"}`: "90x40", `inference_extension_flow_control_queue_size{namespace="ns",model_name="llama"}`: "2x40"}, "5"},
		{"the endpoint picker before its first request", demand.EndpointPicker("ns", "llama"), map[string]string{`llm_d_epp_pool_saturation{namespace="ns"}`: "1x40"}, "0"},
		{"busy GPUs of two replicas, up", gpu, with(ready("2x40"), dcgm(util, "0", "ns", "m-6d4f-abcde"), "90x40", dcgm(util, "1", "ns", "m-6d4f-abcde"), "81x40", dcgm(util, "0", "ns", "m-6d4f-fghij"), "93x40"), "176"},
		{"idle GPUs of three replicas, down", gpu, with(ready("3x40"), dcgm(util, "0", "ns", "m-6d4f-abcde"), "9x40", dcgm(util, "0", "ns", "m-6d4f-fghij"), "0x40", dcgm(util, "0", "ns", "m-6d4f-klmno"), "0x40"), "9"},
		{"busy once, and not for two minutes", "(" + gpu + ") < bool 20", with(ready("1x40"), dcgm(util, "0", "ns", "m-6d4f-abcde"), "0x39 80"), "1"},
		{"the finer metric of data centers is taken alone", gpu, with(ready("1x40"), dcgm(util, "0", "ns", "m-6d4f-abcde"), "100x40", dcgm(active, "0", "ns", "m-6d4f-abcde"), "0.5x40"), "50"},
		{"labels that are honored", gpu, with(ready("1x40"), honored(util, "0", "ns", "m-6d4f-abcde"), "40x40"), "40"},
		{"one that warms up asks for no other", gpu, with(ready("1x40"), dcgm(util, "0", "ns", "m-6d4f-abcde"), "80x40", dcgm(util, "0", "ns", "m-6d4f-fghij"), "100x40"), "90"},
		{"no DCGM", gpu, ready("2x40"), "0"},
		{"nothing is ready", gpu, with(ready("0x40"), dcgm(util, "0", "ns", "m-6d4f-abcde"), "100x40"), "0"},
		{"nobody says what is ready", gpu, map[string]string{dcgm(util, "0", "ns", "m-6d4f-abcde"): "100x40"}, "0"},
		{"other tenants' GPUs, and a canary's", gpu, with(ready("1x40"), dcgm(util, "0", "team-b", "m-6d4f-abcde"), "100x40", dcgm(util, "0", "ns", "m-canary-6d4f-abcde"), "100x40", honored(util, "0", "team-b", "m-6d4f-abcde"), "100x40"), "0"},
		{"nobody else speaks for the exporter", gpu, with(ready("1x40"), `DCGM_FI_DEV_GPU_UTIL{namespace="team-b",pod="evil",exported_namespace="ns",exported_pod="m-6d4f-abcde"}`, "100x40"), "0"},
		{"used memory, up", vram, with(ready("2x40"), dcgm(used, "0", "ns", "m-6d4f-abcde"), "72000x40", dcgm(free, "0", "ns", "m-6d4f-abcde"), "8000x40"), "180"},
		{"used memory that was given back", vram, with(ready("2x40"), dcgm(used, "0", "ns", "m-6d4f-abcde"), "72000x20 800x20", dcgm(free, "0", "ns", "m-6d4f-abcde"), "8000x20 79200x20"), "2"},
		{"no memory is told", vram, with(ready("2x40"), dcgm(used, "0", "ns", "m-6d4f-abcde"), "72000x40"), "0"},
		{"the HTTP add-on's interceptors hold requests of this route", add, map[string]string{interceptor("keda", "a", "ns", "llama"): "2x40", interceptor("keda", "b", "ns", "llama"): "3x40"}, "5"},
		{"other routes, namespaces and hosts wake nothing", add, map[string]string{interceptor("keda", "a", "ns", "llama-canary"): "9x40", interceptor("keda", "a", "team-b", "llama"): "9x40",
			interceptor("keda", "a", "", ""): "9x40", `interceptor_pending_request_count{namespace="keda",host="made.up"}`: "9x40"}, "0"},
		{"nobody else speaks for the interceptor", add, map[string]string{interceptor("team-b", "a", "ns", "llama"): "9x40"}, "0"},
		{"the HTTP add-on before its first request", add, map[string]string{`up{namespace="keda"}`: "1x40"}, "0"},
		{"an interceptor that is gone holds nothing", add, map[string]string{interceptor("keda", "a", "ns", "llama"): "7x20 stale"}, "0"},
		{"names can't leave their quotes", demand.HTTPAddOn(`keda"} or vector(1) #`, "ns", "llama\\\n\""), map[string]string{interceptor("keda", "a", "ns", "llama"): "7x40"}, "0"},
	}
}

// Each query, evaluated by Prometheus' own engine.
func TestQueries_GiveWhatIsMeant(t *testing.T) {
	t.Parallel()
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("no promtool: it is in Debian's package prometheus")
	}
	type object = map[string]any
	var tests []object
	for _, s := range scenarios(t) {
		var input []object
		for series, values := range s.series {
			input = append(input, object{"series": series, "values": values})
		}
		samples := []object{}
		if s.want != "" {
			samples = append(samples, object{"labels": "{}", "value": yamlNumber(s.want)})
		}
		tests = append(tests, object{"name": s.name, "interval": "15s", "input_series": input,
			"promql_expr_test": []object{{"expr": s.query, "eval_time": "10m", "exp_samples": samples}}})
	}
	content, err := yaml.Marshal(object{"rule_files": []string{"rules.yml"}, "tests": tests})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, content := range map[string][]byte{"rules.yml": []byte("groups: []\n"), "tests.yml": content} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), promtool, "test", "rules", "tests.yml")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func yamlNumber(s string) (n float64) { _, _ = fmt.Sscan(s, &n); return n }

// A server without metrics is refused, in words that say what to do; all others have a query.
func TestQuery_OfServersThatTellNothing(t *testing.T) {
	t.Parallel()
	if q, err := demand.Query(inference.Ollama, target); err == nil || !strings.Contains(err.Error(), "spec.query") || demand.Knows(inference.Ollama) {
		t.Errorf("%q, %v", q, err)
	}
	for _, kind := range []inference.Kind{inference.VLLM, inference.TGI, inference.SGLang, inference.Triton, inference.TensorRTLLM, inference.NIM, inference.LMDeploy, inference.LlamaCpp, inference.TEI} {
		if !demand.Knows(kind) || demand.TellsRunning(kind) == (kind == inference.TEI || kind == inference.Triton) {
			t.Errorf("%s: knows %v, tells running %v", kind, demand.Knows(kind), demand.TellsRunning(kind))
		}
	}
}
