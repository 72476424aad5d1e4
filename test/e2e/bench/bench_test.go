// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package bench_test

import (
	"bufio"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/bench/cluster"
	"github.com/hoist-dev/hoist/bench/result"
)

// A benchmark measures what it claims, beside a Deployment without Hoist, and leaves replicas, pods and copies as they were. One that was killed
// before has left a replica too many: it goes, too.
func TestBench_MeasuresAndPutsBack(t *testing.T) { //nolint:paralleltest // the others use the same GPUs
	s := newScene(t, 64<<20, "1")
	before := s.server()
	s.scaledByOneThatWasKilled()
	found := filepath.Join(t.TempDir(), "report.json")
	s.saying(s.hoist("--baseline", "plain", "--runs", "1", "--yes", "-o", found), 0, "round 1 of 1: prewarmed", "that was killed", "put Deployment "+s.Name+"/server back to 1")
	s.asBefore(1)
	if after := s.server(); after.UID != before.UID {
		t.Errorf("pod %s was there before, and %s is now", before.Name, after.Name)
	}
	f, err := os.Open(found)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := result.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, sc := range r.Scenarios {
		names = append(names, sc.Name)
		if len(sc.Runs) != 1 {
			t.Fatalf("%s has %d runs", sc.Name, len(sc.Runs))
		}
		check(t, sc.Name, &sc.Runs[0])
	}
	if want := slices.Concat([]string{"baseline"}, cluster.Scenarios()); !slices.Equal(names, want) || len(r.NotRun) > 0 {
		t.Errorf("scenarios %v, want %v; not run: %v", names, want, r.NotRun)
	}
	if r.Kind != result.Cluster || r.Machine.Nodes != 2 || r.Model.Bytes < 64<<20 {
		t.Errorf("it ran on %+v, with %+v", r.Machine, r.Model)
	}
}

// check wants phases to add up to the whole, and the state to be what was claimed.
func check(t *testing.T, scenario string, run *result.Run) {
	t.Helper()
	var sum float64
	names := map[string]result.Phase{}
	for _, p := range run.Phases {
		sum += p.Seconds
		names[p.Name] = p
	}
	if math.Abs(sum-run.Seconds) > 0.02*run.Seconds || run.Seconds <= 0 {
		t.Errorf("%s: phases add up to %v s of %v s: %+v", scenario, sum, run.Seconds, run.Phases)
	}
	for _, p := range run.Proof {
		if !p.OK {
			t.Errorf("%s: %s: %d, want %s", scenario, p.Name, p.Got, p.Want)
		}
	}
	switch scenario {
	case "baseline":
		if names["init containers"].Seconds == 0 || run.OwnSeconds() != 0 {
			t.Errorf("the baseline is %+v", run.Phases)
		}
	case "uncached":
		if names["download"].Bytes < 64<<20 || len(run.Proof) != 2 {
			t.Errorf("uncached is %+v, %+v", run.Phases, run.Proof)
		}
	default:
		if !names["mount"].Hoist || !names["webhook"].Hoist || !names["readiness gate"].Hoist || len(run.Proof) != 2 {
			t.Errorf("%s is %+v, %+v", scenario, run.Phases, run.Proof)
		}
	}
}

// scaledByOneThatWasKilled leaves the Deployment as a benchmark does that is killed while it measures.
func (s scene) scaledByOneThatWasKilled() {
	s.t.Helper()
	if _, err := s.Kubectl(s.t.Context(), "patch", "deployment", "server", "--type=merge", "-p", `{"metadata":{"annotations":{"`+cluster.ReplicasAnnotation+`":"1/2"}},"spec":{"replicas":2}}`); err != nil {
		s.t.Fatal(err)
	}
	s.AwaitReady("server", 2)
}

// endsWithin is how long a benchmark may take to put back what it changed. It takes a tenth of that.
const endsWithin = 4 * time.Minute

// Interrupted in the middle of a start, a benchmark puts everything back before it ends: by Ctrl-C, and where a terminal closes and nobody reads
// any more what it says.
func TestBench_InterruptedPutsBack(t *testing.T) { //nolint:paralleltest // the others use the same GPUs
	s := newScene(t, 64<<20, "1")
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP) // where they were ignored, as by nohup, they would be by whoever is started here
	defer signal.Stop(hangups)
	for _, c := range []struct { //nolint:paralleltest // one after the other
		name     string
		by       syscall.Signal
		deaf     bool
		scenario string
	}{
		{"Ctrl-C", syscall.SIGINT, false, "prewarmed"},
		{"a terminal that closes", syscall.SIGHUP, true, "uncached"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd := s.hoist("--runs", "100", "--scenarios", c.scenario, "--yes")
			said, err := cmd.StderrPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(said)
			for lines.Scan() && !strings.Contains(lines.Text(), "round 2 of") {
				t.Log(lines.Text())
			}
			s.awaitReplicas(2)
			if c.deaf {
				if err := said.Close(); err != nil {
					t.Fatal(err)
				}
			}
			if err := cmd.Process.Signal(c.by); err != nil {
				t.Fatal(err)
			}
			defer time.AfterFunc(endsWithin, func() { _ = cmd.Process.Kill() }).Stop()
			for lines.Scan() {
				t.Log(lines.Text())
			}
			_ = cmd.Wait()
			if code := cmd.ProcessState.ExitCode(); code != 130 {
				t.Errorf("exit code %d", code)
			}
			s.asBefore(1)
			s.AwaitReady("server", 1)
		})
	}
}

// What somebody else scales, nobody has agreed to, or a Prefetch keeps, is refused, and nothing is changed.
func TestBench_RefusesWhatItWouldNotMeasure(t *testing.T) { //nolint:paralleltest // the others use the same GPUs
	s := newScene(t, 8<<20, "0")
	no := s.hoist()
	no.Stdin = strings.NewReader("n\n")
	s.saying(no, 1, "scale Deployment "+s.Name+"/server from 0 to 1 and back, 9 times", "Prefetch hoist-bench-llama", "nothing was changed")
	s.saying(s.hoist("--deployment", "plain", "--yes"), 1, "mount no Model")
	s.saying(s.hoist("--deployment", "nobody", "--yes"), 4, "not found")
	s.Apply("{apiVersion: hoist.dev/v1alpha1, kind: Prefetch, metadata: {name: keep, namespace: NAMESPACE}, spec: {modelName: llama}}")
	s.saying(s.hoist("--scenarios", "cached", "--yes"), 1, "Prefetch keep keeps copies")
	if err := s.Hoist.Delete(t.Context(), &v1alpha1.Prefetch{ObjectMeta: metav1.ObjectMeta{Namespace: s.Name, Name: "keep"}}); err != nil {
		t.Fatal(err)
	}
	h := &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Name: "keda-hpa-scaled"}, Spec: autoscalingv2.HorizontalPodAutoscalerSpec{MaxReplicas: 3,
		ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "server"}}}
	if _, err := s.Namespace.Client.AutoscalingV2().HorizontalPodAutoscalers(s.Name).Create(t.Context(), h, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	s.saying(s.hoist("--yes"), 1, "kubectl annotate -n "+s.Name+" scaledobject scaled autoscaling.keda.sh/paused=true")
	s.asBefore(0)
}

// The numbers of docs/benchmarks.md: 8 GiB from an origin with 85 MB/s a connection, on one node. HOIST_MEASURE is where to put the report.
func TestMeasure_AgainstAStorageInitializer(t *testing.T) { //nolint:paralleltest // measures
	if !measured {
		t.Skip("set HOIST_MEASURE=report.html to measure")
	}
	s := newScene(t, 8<<30, "0")
	cmd := s.hoist("--baseline", "plain", "--runs", "3", "--nodes", "1", "--yes", "-o", os.Getenv("HOIST_MEASURE"))
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
}
