// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/cachenode/csi"
	"github.com/hoist-dev/hoist/cachenode/gpu"
)

// Gates opens the readiness gates of the node's pods when their weights are in VRAM, and knows what the node's GPUs hold. Which pods wait,
// and for how much, their volumes say: it reads no pod.
type Gates struct {
	Published func() []csi.Published
	Reader    gpu.Reader
	Assigned  func(ctx context.Context) (map[string][]string, error) // GPUs by namespace/name of pods
	Proc      string                                                 // where the host's processes are: /proc
	Client    client.Client                                          // of the status of pods
	Log       *slog.Logger
	Observe   func(index int, uuid string, used, total int64) // sees each GPU at each look; nil is nobody

	said   map[string]saidGate // by UID of the pod
	broken time.Time           // since when the driver fails
	loads  *loads

	mu   sync.Mutex
	gpus []v1alpha1.GPU
}

// saidGate is what was written last of one pod.
type saidGate struct {
	verdict gpu.Verdict
	at      time.Time
}

// due reports whether a verdict that opens or closes nothing is to be written: it is news, or was said long ago. The answer to what is
// written tells the address of a pod that lacks one.
func (last saidGate) due(v gpu.Verdict, lacksAddress bool) bool {
	since := time.Since(last.at)
	switch {
	case v.Reason != last.verdict.Reason:
		return true
	case v.Open:
		return false
	case v != last.verdict || lacksAddress:
		return since >= sayNumbers
	}
	return since >= sayAgain
}

// How often GPUs are looked at: while a pod waits, or at rest; and how often what is known of a pod that waits is written again, which
// tells that the agent lives, and numbers that move.
const (
	lookWaiting = 100 * time.Millisecond // a look at 8 GPUs takes 0.7 ms
	lookAtRest  = 10 * time.Second
	sayAgain    = 10 * time.Second
	sayNumbers  = 2 * time.Second
)

// driverPatience is how long a driver may fail before pods that wait for what it says are let go.
const driverPatience = 30 * time.Second

// Start looks until ctx ends. It implements manager.Runnable.
func (g *Gates) Start(ctx context.Context) error {
	g.said, g.loads = map[string]saidGate{}, newLoads()
	defer g.loads.asking.Wait()
	tick := time.NewTicker(lookWaiting)
	defer tick.Stop()
	var looked time.Time
	for {
		waiting := g.waiting()
		if len(waiting) > 0 || time.Since(looked) >= lookAtRest {
			looked = time.Now()
			g.look(ctx, waiting)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// waiting are the claims of pods whose gate is not open, or may close again; what is known of pods that are gone is forgotten.
func (g *Gates) waiting() []csi.Claim {
	var all []csi.Claim
	here := map[string]bool{}
	for _, p := range g.Published() {
		uid := p.Claim.Pod.UID
		if !p.Claim.Gate.Waits || here[uid] {
			continue
		}
		here[uid] = true
		if said := g.said[uid]; !said.verdict.Open || p.Claim.Gate.Continuous {
			all = append(all, p.Claim)
		}
	}
	for uid := range g.said {
		if !here[uid] {
			delete(g.said, uid)
		}
	}
	g.loads.forget(func(uid string) bool { return !here[uid] })
	return all
}

// look reads the GPUs once and says what that means for those that wait.
func (g *Gates) look(ctx context.Context, waiting []csi.Claim) {
	devices, err := g.Reader.Devices()
	usage := gpu.Attribute(devices, g.Proc)
	g.publish(usage)
	if !g.decided(err) {
		return
	}
	var assigned map[string][]string
	if len(waiting) > 0 {
		var failed error
		if assigned, failed = g.Assigned(ctx); failed != nil {
			g.Log.Debug("pod resources not read", "err", failed)
		}
	}
	for _, claim := range waiting {
		need := gpu.Need{WeightsPerGPU: claim.Gate.WeightsPerGPU, GPUs: int(claim.Gate.GPUs)}
		verdict := gpu.Judge(need, claim.Pod.UID, usage, err, assigned[claim.Pod.String()])
		if !verdict.Open {
			if failed := g.loads.want(ctx, claim); failed != nil {
				verdict.Message += "; " + failed.Error()
			}
		}
		if err := g.say(ctx, claim, verdict); err != nil && ctx.Err() == nil {
			g.Log.Warn("readiness gate not written", "pod", claim.Pod.String(), "err", err)
		}
	}
}

// decided reports whether what the driver says counts: a node without one, or one that fails for long. One that is being replaced does not.
func (g *Gates) decided(err error) bool {
	if err == nil || errors.Is(err, gpu.ErrNoDriver) {
		g.broken = time.Time{}
		return true
	}
	if g.broken.IsZero() {
		g.broken = time.Now()
		g.Log.Warn("GPUs not read", "err", err)
	}
	return time.Since(g.broken) >= driverPatience
}

// say writes a verdict to the pod, where it is news or was said long ago.
func (g *Gates) say(ctx context.Context, claim csi.Claim, v gpu.Verdict) error {
	last, said := g.said[claim.Pod.UID]
	turned := !said || v.Open != last.verdict.Open
	if !turned && !last.due(v, g.loads.lacksAddress(claim)) {
		return nil
	}
	err := g.write(ctx, claim.Pod, v, turned)
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		err = nil // it is gone, or another one has its name
	}
	if err != nil {
		return err
	}
	g.said[claim.Pod.UID] = saidGate{v, time.Now()}
	if turned {
		g.Log.Info("readiness gate", "pod", claim.Pod.String(), "open", v.Open, "reason", v.Reason, "message", v.Message)
	}
	return nil
}

// write sets the one condition of the pod with this UID, and with it, when it turns, the annotation that has the kubelet look.
func (g *Gates) write(ctx context.Context, ref csi.PodRef, v gpu.Verdict, turned bool) error {
	now := metav1.Now()
	condition := map[string]any{"type": v1alpha1.WeightsInVRAMCondition, "status": status(v.Open), "reason": v.Reason, "message": v.Message, "lastProbeTime": now}
	metadata := map[string]any{"uid": ref.UID}
	if turned {
		condition["lastTransitionTime"] = now
		metadata["annotations"] = map[string]any{v1alpha1.WeightsInVRAMAnnotation: status(v.Open)}
	}
	patch, err := json.Marshal(map[string]any{"metadata": metadata, "status": map[string]any{"conditions": []any{condition}}})
	if err != nil {
		return err
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: ref.Namespace, Name: ref.Name}}
	if err := g.Client.Status().Patch(ctx, pod, client.RawPatch(types.StrategicMergePatchType, patch)); err != nil {
		return err
	}
	g.loads.located(ref.UID, pod.Status.PodIP, pod.Spec.HostNetwork)
	return nil
}

func status(open bool) corev1.ConditionStatus {
	if open {
		return corev1.ConditionTrue
	}
	return corev1.ConditionFalse
}

// step is what the memory of a GPU is rounded to in a status: it moves all the time.
const step = 16 << 20

// What a status has room for.
const (
	maxGPUs    = 128
	maxGPUPods = 32
)

// publish takes over what the node's status says of its GPUs.
func (g *Gates) publish(usage []gpu.Usage) {
	names := map[string]csi.PodRef{}
	for _, p := range g.Published() {
		names[p.Claim.Pod.UID] = p.Claim.Pod
	}
	gpus := make([]v1alpha1.GPU, 0, len(usage))
	for _, u := range usage {
		if g.Observe != nil {
			g.Observe(u.Index, u.UUID, u.Used, u.Total)
		}
		one := v1alpha1.GPU{UUID: u.UUID, Index: int32(u.Index), Name: u.Name, TotalBytes: u.Total, UsedBytes: u.Used / step * step}
		for uid, bytes := range u.Pods {
			if pod, known := names[uid]; known && len(one.Pods) < maxGPUPods {
				one.Pods = append(one.Pods, v1alpha1.GPUPod{Namespace: pod.Namespace, Name: pod.Name, UsedBytes: bytes / step * step})
			}
		}
		slices.SortFunc(one.Pods, func(a, b v1alpha1.GPUPod) int {
			return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
		})
		gpus = append(gpus, one)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.gpus = gpus[:min(len(gpus), maxGPUs)]
}

// GPUs are those of the node, for its status.
func (g *Gates) GPUs() []v1alpha1.GPU {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.gpus
}
