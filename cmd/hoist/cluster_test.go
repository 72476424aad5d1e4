// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// says checks that stdout has each text in it.
func (o outcome) says(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(o.stdout, text) {
			t.Errorf("stdout does not say %q:\n%s%s", text, o.stdout, o.stderr)
		}
	}
}

func TestCluster_ModelsAndNodesAsTablesAndObjects(t *testing.T) {
	t.Parallel()
	other := someModel("elsewhere", 1<<30)
	other.Namespace = "team-b"
	f := newFakeCluster(t, interceptor.Funcs{}, slices.Concat(someNode("gpu-1"), []client.Object{someModel("llama3-8b", 16<<30), other})...)
	here := f.run("models")
	here.want(t, exitOK)
	here.says(t, "NAME ", "llama3-8b", "16.0Gi")
	if strings.Contains(here.stdout, "elsewhere") {
		t.Errorf("a Model of another namespace is listed:\n%s", here.stdout)
	}
	f.run("models", "-A").says(t, "NAMESPACE", "elsewhere")
	f.run("models", "-n", "team-b").says(t, "elsewhere")
	f.run("models", "-A", "-o", "wide").says(t, "REVISION", "0123456789ab")
	f.run("models", "-o", "yaml").says(t, "kind: List", "kind: Model", "source: s3://models/llama3-8b/")
	f.run("models", "-n", "nowhere").want(t, exitOK, "there are no Models in namespace nowhere")
	f.run("models", "-o", "xml").want(t, exitUsage, "want wide or json or yaml")

	f.run("nodes").says(t, "gpu-1", "0/64.0Gi", "v1")
	var list v1alpha1.CacheNodeList
	if err := json.Unmarshal([]byte(f.run("nodes", "-o", "json").stdout), &list); err != nil || len(list.Items) != 1 || list.Items[0].Kind != "CacheNode" {
		t.Errorf("hoist nodes -o json: %+v, %v", list, err)
	}
}

func TestCluster_TopWritesUntilNoDownloadIsLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		looks := 0
		f := newFakeCluster(t, interceptor.Funcs{List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			err := c.List(ctx, list, opts...)
			if caches, ok := list.(*v1alpha1.CacheNodeList); ok {
				if looks++; looks == 3 {
					caches.Items[0].Status.Models = nil
				}
			}
			return err
		}}, someNode("gpu-1", heldModel("llama3-8b", v1alpha1.FetchingPhase, 8<<30))...)
		f.run("top", "--once").says(t, "50%", "8.0Gi/16.0Gi", "1.0Gi/s", "1 download runs")
		begun := time.Now()
		o := f.run("top")
		o.want(t, exitOK)
		if got := strings.Count(o.stdout, "50%"); got != 1 || !strings.Contains(o.stdout, "no downloads run") || time.Since(begun) != lookElsewhere {
			t.Errorf("after %v:\n%s", time.Since(begun), o.stdout)
		}
	})
}

func TestCluster_PlanOfAFile(t *testing.T) {
	t.Parallel()
	objects := slices.Concat(someNode("gpu-1", heldModel("llama3-8b", v1alpha1.ReadyPhase, 16<<30)), someNode("gpu-2"))
	old := &v1alpha1.Prefetch{ObjectMeta: named("old"), Spec: v1alpha1.PrefetchSpec{ModelName: "llama3-8b"}}
	f := newFakeCluster(t, interceptor.Funcs{}, append(objects, someModel("llama3-8b", 16<<30), old)...)
	f.run("plan").says(t, "Prefetch team-a/old of llama3-8b, 16.0Gi: fits on the 2 nodes asked for; 16.0Gi to download", "gpu-1 (has it)", "gpu-2 (needs it)")

	const head = "apiVersion: hoist.dev/v1alpha1\nkind: Prefetch\n"
	file := writeFile(t, "apiVersion: v1\nkind: Secret\n---\n"+head+"metadata: {name: old}\nspec: {modelName: llama3-8b, nodes: {count: 1}}\n---\n"+
		head+"metadata: {name: three}\nspec: {modelName: llama3-8b, nodes: {count: 3}}\n")
	o := f.run("plan", "-f", file)
	o.want(t, exitOK)
	o.says(t, "team-a/old (changed)", "team-a/three (new)", "fits on 2 of the 3 nodes asked for: only 2 nodes match")
	var dry struct {
		BytesToDownload int64
		Prefetches      []struct{ Verdict string }
	}
	if err := json.Unmarshal([]byte(f.run("plan", "-f", file, "-o", "json").stdout), &dry); err != nil || dry.BytesToDownload != 16<<30 || len(dry.Prefetches) != 2 {
		t.Errorf("%+v, %v", dry, err)
	}
	for text, says := range map[string]string{
		"kind: ConfigMap\n": "no Prefetch of hoist.dev/v1alpha1",
		head + "metadata: {name: a}\nspec: {modelname: b}\n":                                       "modelname",
		head + "metadata: {name: a}\nspec: {modelName: b, nodes: {count: 1, percent: 2}}\n":        "count and percent",
		head + "metadata: {name: a}\nspec: {modelName: b, schedule: {start: x y, duration: 1h}}\n": "",
	} {
		o := f.run("plan", "-f", writeFile(t, text))
		if says == "" {
			o.says(t, "its spec can't be read")
			continue
		}
		o.want(t, exitUsage, says)
	}
	f.run("plan", "-f", "/does/not/exist").want(t, exitUsage, "no such file")
}

func writeFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCluster_WhyReadsWhatIsAboutThePod(t *testing.T) {
	t.Parallel()
	pod := &corev1.Pod{ObjectMeta: named("web-0")}
	pod.UID = "1"
	pod.Spec.NodeName = "gpu-1"
	pod.Spec.Volumes = []corev1.Volume{{Name: "model"}}
	pod.Spec.Volumes[0].CSI = &corev1.CSIVolumeSource{Driver: "csi.hoist.dev", VolumeAttributes: map[string]string{"model": "llama3-8b"}}
	lost := pod.DeepCopy()
	lost.Name, lost.UID, lost.Spec.NodeName = "web-1", "2", "cpu-1"
	objects := append(someNode("gpu-1", heldModel("llama3-8b", v1alpha1.FetchingPhase, 8<<30)), pod, lost, someModel("llama3-8b", 16<<30))
	f := newFakeCluster(t, interceptor.Funcs{}, objects...)
	f.run("why", "web-0").says(t, "pod team-a/web-0 waits for model llama3-8b on node gpu-1: 8.0Gi of 16.0Gi are there, 1.0Gi/s, 8s left")
	f.run("why", "web-1").says(t, "node cpu-1 has no Hoist agent")
	f.run("timeline", "web-0").says(t, "pod team-a/web-0 on node gpu-1, model llama3-8b: wanted ", "and goes on")
	f.run("timeline", "nobody").want(t, exitNotFound, `pods "nobody" not found`)
	f.run("why", "nobody").want(t, exitNotFound, `pods "nobody" not found`)
	f.run("why", "web-0", "-n", "team-b").want(t, exitNotFound, "team-b/web-0")

	// Who may read pods and Models alone is told by the events.
	event := &corev1.Event{ObjectMeta: named("e"), Reason: "FetchingModel", Message: "model llama3-8b: 8.0 of 16.0 GB are here",
		InvolvedObject: corev1.ObjectReference{Name: "web-0", UID: "1"}}
	stale := &corev1.Event{ObjectMeta: named("f"), Reason: "FetchingModel", Message: "model llama3-8b: of an earlier pod", InvolvedObject: corev1.ObjectReference{Name: "web-0", UID: "0"}}
	f = newFakeCluster(t, interceptor.Funcs{Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
		if key.Namespace == "" {
			return forbidden("get", key.Name)
		}
		return c.Get(ctx, key, obj, opts...)
	}}, pod, someModel("llama3-8b", 16<<30), event, stale)
	f.run("why", "web-0").says(t, "pod team-a/web-0 waits for model llama3-8b on node gpu-1: 8.0 of 16.0 GB are here")
}

func forbidden(verb, name string) error {
	return apierrors.NewForbidden(schema.GroupResource{Resource: "things"}, name, &specialError{verb})
}

type specialError struct{ verb string }

func (e *specialError) Error() string { return "you may not " + e.verb }

func TestCluster_ThatIsNotThereOrHasNoHoistSaysWhatToDo(t *testing.T) {
	t.Parallel()
	missing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api", "/apis":
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`{"kind": "APIGroupList", "apiVersion": "v1", "groups": []}`))
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(missing.Close)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	expired := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	t.Cleanup(expired.Close)
	for _, test := range []struct {
		server string
		code   int
		says   []string
	}{
		{missing.URL, exitNotFound, []string{"Hoist is not installed in this cluster", "see docs/quickstart.md"}},
		{gone.URL, exitUnavailable, []string{"connection refused", "kubectl cluster-info"}},
		{expired.URL, exitDenied, []string{"log in to the cluster again"}},
	} {
		config := writeFile(t, "apiVersion: v1\nkind: Config\nclusters: [{name: a, cluster: {server: '"+test.server+"'}}]\n"+
			"contexts: [{name: a, context: {cluster: a}}]\ncurrent-context: a\n")
		for _, command := range [][]string{{"models"}, {"nodes"}, {"top", "--once"}, {"plan"}, {"warm", "a"}} {
			o := hoist(t, nil, append(command, "--kubeconfig", config)...)
			o.want(t, test.code, test.says...)
			if strings.Count(o.stderr, "\n") != 1 {
				t.Errorf("hoist %v says more than a line:\n%s", command, o.stderr)
			}
		}
	}
	hoist(t, nil, "models").want(t, exitUsage, "no cluster is configured", "--kubeconfig")
	hoist(t, nil, "models", "--kubeconfig", "/does/not/exist").want(t, exitUsage, "/does/not/exist")
}

func TestRun_AsKubectlPluginSpeaksOfKubectl(t *testing.T) {
	t.Parallel()
	root := newRoot()
	asPlugin(root)
	var stdout, stderr output
	if code := execute(t.Context(), root, []string{"warm", "--help"}, &stdout, &stderr); code != exitOK {
		t.Fatal(stderr.String())
	}
	outcome{stdout: stdout.String()}.says(t, "kubectl hoist warm MODEL [flags]", "\n  kubectl hoist warm llama3-8b --for 8h")
}
