// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/cachenode/csi"
	"github.com/hoist-dev/hoist/cachenode/gpu"
)

const (
	podUID = "0a1b2c3d-1111-2222-3333-444455556666"
	gib    = 1 << 30
)

// cards is a node with one GPU of 8 GiB, of which process 7 holds some.
type cards struct {
	mu   sync.Mutex
	used int64
	err  error
}

func (c *cards) set(used int64, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.used, c.err = used, err
}

func (c *cards) Devices() ([]gpu.Device, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return nil, c.err
	}
	return []gpu.Device{{UUID: "GPU-a", Total: 8 * gib, Used: c.used, Processes: []gpu.Process{{PID: 7, Used: c.used}}}}, nil
}

// gatehouse is Gates with a pod that waits for 4 GiB.
type gatehouse struct {
	*Gates
	cards  *cards
	writes atomic.Int32
	body   atomic.Value // of the last write
}

func newGatehouse(t *testing.T, change func(*csi.Claim)) *gatehouse {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := corev1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	h := &gatehouse{cards: &cards{}}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "web-0", UID: podUID}}
	c := fake.NewClientBuilder().WithScheme(scheme).WithObjects(pod).WithStatusSubresource(pod).WithInterceptorFuncs(interceptor.Funcs{
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, o client.Object, p client.Patch, opts ...client.SubResourcePatchOption) error {
			h.writes.Add(1)
			if body, err := p.Data(o); err == nil {
				h.body.Store(string(body))
			}
			return c.SubResource(sub).Patch(ctx, o, p, opts...)
		}}).Build()
	proc := t.TempDir()
	if err := os.MkdirAll(filepath.Join(proc, "7"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(proc, "7", "cgroup"), []byte("0::/kubepods/pod"+podUID+"/x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	claim := csi.Claim{Volume: "csi-1", Pod: csi.PodRef{Namespace: "team-a", Name: "web-0", UID: podUID}, Gate: csi.Gate{Waits: true, WeightsPerGPU: 4 * gib, GPUs: 1}}
	if change != nil {
		change(&claim)
	}
	h.Gates = &Gates{Published: func() []csi.Published { return []csi.Published{{Claim: claim}} }, Reader: h.cards, Proc: proc, Client: c, Log: slog.New(slog.DiscardHandler),
		Assigned: func(context.Context) (map[string][]string, error) {
			return map[string][]string{"team-a/web-0": {"GPU-a"}}, nil
		}}
	return h
}

// after lets time pass, and gives the condition and how often it was written.
func (h *gatehouse) after(t *testing.T, d time.Duration) (corev1.PodCondition, int32) {
	t.Helper()
	h.writes.Store(0)
	<-time.After(d) // of the fake clock
	synctest.Wait()
	var pod corev1.Pod
	if err := h.Client.Get(t.Context(), client.ObjectKey{Namespace: "team-a", Name: "web-0"}, &pod); err != nil {
		t.Fatal(err)
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == v1alpha1.WeightsInVRAMCondition {
			return c, h.writes.Load()
		}
	}
	return corev1.PodCondition{}, h.writes.Load()
}

// run runs the gates on a fake clock for as long as during takes.
func (h *gatehouse) run(t *testing.T, during func()) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- h.Start(ctx) }()
	during()
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestGates_OpenWhenTheWeightsAreThere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newGatehouse(t, nil)
		h.run(t, func() {
			c, _ := h.after(t, time.Second)
			if c.Status != corev1.ConditionFalse || c.Reason != gpu.WeightsLoading || c.Message != "0.0 of 4.0 GiB on 0 of 1 GPUs" {
				t.Errorf("at first it is %+v", c)
			}
			if _, writes := h.after(t, 30*time.Second); writes < 2 || writes > 4 {
				t.Errorf("%d writes in 30 s of waiting: it tells that the agent lives every 10 s", writes)
			}
			h.cards.set(4*gib, nil)
			opened, _ := h.after(t, 1500*time.Millisecond)
			if opened.Status != corev1.ConditionTrue || opened.Reason != gpu.WeightsResident || opened.Message != "4.0 of 4.0 GiB on 1 of 1 GPUs" || !opened.LastTransitionTime.After(c.LastTransitionTime.Time) {
				t.Errorf("with the weights there it is %+v", opened)
			}
			h.cards.set(0, nil)
			if c, writes := h.after(t, time.Minute); writes != 0 || c.Status != corev1.ConditionTrue {
				t.Errorf("once open it was written %d times, and is %+v", writes, c)
			}
			if g := h.GPUs(); len(g) != 1 || g[0].TotalBytes != 8*gib {
				t.Errorf("the node says %+v", g)
			}
		})
	})
}

func TestGates_ContinuousOnesCloseAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newGatehouse(t, func(c *csi.Claim) { c.Gate.Continuous = true })
		h.cards.set(5*gib, nil)
		h.run(t, func() {
			if c, _ := h.after(t, time.Second); c.Status != corev1.ConditionTrue {
				t.Errorf("it is %+v", c)
			}
			h.cards.set(gib, nil)
			if c, _ := h.after(t, time.Second); c.Status != corev1.ConditionFalse || c.Reason != gpu.WeightsLoading {
				t.Errorf("with the weights gone it is %+v", c)
			}
		})
	})
}

// A node without a driver waits for nothing; a driver that fails is given half a minute, in which it may have been replaced.
func TestGates_WithoutADriverHTTPDecides(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newGatehouse(t, nil)
		h.cards.set(0, gpu.ErrNoDriver)
		h.run(t, func() {
			if c, _ := h.after(t, time.Second); c.Status != corev1.ConditionTrue || c.Reason != gpu.NVMLUnavailable {
				t.Errorf("without a driver it is %+v", c)
			}
		})
	})
	synctest.Test(t, func(t *testing.T) {
		h := newGatehouse(t, nil)
		h.cards.set(0, errors.New("GPU is lost"))
		h.run(t, func() {
			if c, writes := h.after(t, 25*time.Second); writes != 0 {
				t.Errorf("a driver that fails for a while has it %+v", c)
			}
			if c, _ := h.after(t, 10*time.Second); c.Status != corev1.ConditionTrue || c.Reason != gpu.NVMLUnavailable || !strings.Contains(c.Message, "GPU is lost") {
				t.Errorf("a driver that fails for long has it %+v", c)
			}
		})
	})
}

// What is written is for one pod, and for no other that comes to have its name: the API server refuses a patch with another UID.
func TestGates_NameThePodByItsUID(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newGatehouse(t, nil)
		h.run(t, func() { h.after(t, time.Second) })
		if body, ok := h.body.Load().(string); !ok || !strings.Contains(body, `"uid":"`+podUID+`"`) {
			t.Errorf("it writes %s", body)
		}
	})
}

// A kubelet that is told of a condition alone goes by the one before for up to a second more: when it turns, an annotation says so, too, and only then.
func TestGates_HaveTheKubeletLookWhenTheyTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newGatehouse(t, nil)
		annotation := func(value string) string { return `"annotations":{"hoist.dev/weights-in-vram":"` + value + `"}` }
		said := func() string { body, _ := h.body.Load().(string); return body }
		h.run(t, func() {
			h.after(t, time.Second)
			if !strings.Contains(said(), annotation("False")) {
				t.Errorf("at first it writes %s", said())
			}
			if _, writes := h.after(t, sayAgain+time.Second); writes == 0 || strings.Contains(said(), "annotations") {
				t.Errorf("again it writes %s", said())
			}
			h.cards.set(4*gib, nil)
			h.after(t, time.Second)
			if !strings.Contains(said(), annotation("True")) {
				t.Errorf("when it turns it writes %s", said())
			}
		})
	})
}
