// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

func reader(t testing.TB, funcs interceptor.Funcs) client.Reader {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := errors.Join(corev1.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	model := &v1alpha1.Model{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "llama"}}
	model.Status.Revision, model.Status.Bytes, model.Status.WeightBytes = "sha256:00", 16e9, 16e9
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "gpu-1", Labels: map[string]string{"nvidia.com/gpu.memory": "81559"}}}
	return fake.NewClientBuilder().WithScheme(scheme).WithObjects(model, node).WithInterceptorFuncs(funcs).Build()
}

func ask(kind, object, old string) admission.Request {
	r := admission.Request{AdmissionRequest: admissionv1.AdmissionRequest{UID: "1", Namespace: "team-a", Kind: metav1.GroupVersionKind{Kind: kind}, Object: runtime.RawExtension{Raw: []byte(object)}}}
	if old != "" {
		r.OldObject.Raw = []byte(old)
	}
	return r
}

const annotated = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","annotations":{"hoist.dev/model":"llama"},"fromTheFuture":1},
"spec":{"containers":[{"name":"server","image":"vllm/vllm-openai","args":["--model=/models/llama"],"resources":{"limits":{"nvidia.com/gpu":"1"}},"fromTheFuture":{"a":1}}],"fromTheFuture":[1]}}`

// Fields that this build does not know are never touched: each operation adds something, beside them.
func TestPods_LeaveWhatTheyDoNotKnow(t *testing.T) {
	t.Parallel()
	got := (&Pods{reader(t, interceptor.Funcs{})}).Handle(t.Context(), ask("Pod", annotated, ""))
	if !got.Allowed || len(got.Patches) == 0 || len(got.Warnings) > 0 {
		t.Fatalf("%+v", got)
	}
	var paths []string
	for _, o := range got.Patches {
		if o.Operation != "add" {
			t.Errorf("%s %s", o.Operation, o.Path)
		}
		paths = append(paths, o.Path)
	}
	all := strings.Join(paths, " ")
	for _, path := range []string{"/spec/volumes", "/spec/containers/0/volumeMounts", "/spec/containers/0/env", "/spec/readinessGates", "/spec/affinity", "/spec/containers/0/readinessProbe"} {
		if !strings.Contains(all, path) {
			t.Errorf("%s is not among %s", path, all)
		}
	}
}

// H2: whatever fails here, the pod is let in.
func TestPods_FailOpen(t *testing.T) {
	t.Parallel()
	down := interceptor.Funcs{List: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error {
		return errors.New("the cache is gone")
	}}
	got := (&Pods{reader(t, down)}).Handle(t.Context(), ask("Pod", annotated, ""))
	if !got.Allowed || len(got.Patches) > 0 || len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0], "no model is mounted") {
		t.Errorf("%+v", got)
	}
}

func TestWorkloads_CarryAndWarn(t *testing.T) {
	t.Parallel()
	const deployment = `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"annotations":{"hoist.dev/model":"nothing"}},"spec":{"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"server","image":"nginx"}]}}}}`
	w := &Workloads{reader(t, interceptor.Funcs{})}
	got := w.Handle(t.Context(), ask("Deployment", deployment, ""))
	if !got.Allowed || len(got.Patches) != 1 || got.Patches[0].Path != "/spec/template/metadata/annotations" {
		t.Errorf("%+v", got.Patches)
	}
	if text := strings.Join(got.Warnings, "\n"); !strings.Contains(text, "there is no Model team-a/nothing") || !strings.Contains(text, "nvidia.com/gpu") {
		t.Errorf("warnings %q", got.Warnings)
	}
	for _, odd := range []string{`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"annotations":{"hoist.dev/model":"x"}},"spec":{"template":7}}`, `{"apiVersion":"apps/v1","kind":"Deployment"}`} {
		if got := w.Handle(t.Context(), ask("Deployment", odd, odd)); !got.Allowed || len(got.Patches) > 0 {
			t.Errorf("%s: %+v", odd, got)
		}
	}
}

// Reviews at 500 a second through TLS, as the API server sends them: in docs/benchmarks.md.
func BenchmarkReviewsAt500ASecond(b *testing.B) {
	server := httptest.NewTLSServer(&admission.Webhook{Handler: &Pods{reader(b, interceptor.Funcs{})}})
	defer server.Close()
	request := ask("Pod", annotated, "")
	body, err := json.Marshal(admissionv1.AdmissionReview{TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"},
		Request: &request.AdmissionRequest})
	if err != nil {
		b.Fatal(err)
	}
	var mu sync.Mutex
	var took []time.Duration
	var reviews sync.WaitGroup
	tick := time.NewTicker(time.Second / 500)
	defer tick.Stop()
	for b.Loop() {
		<-tick.C
		reviews.Go(func() {
			began := time.Now()
			answer, err := server.Client().Post(server.URL, "application/json", bytes.NewReader(body))
			if err != nil {
				b.Error(err)
				return
			}
			text, err := io.ReadAll(answer.Body)
			_ = answer.Body.Close()
			if err != nil || !bytes.Contains(text, []byte(`"patch"`)) {
				b.Errorf("%s, %v", text, err)
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, time.Since(began))
		})
	}
	reviews.Wait()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms-median")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ms-p99")
}
