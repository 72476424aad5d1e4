// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package inject_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	authv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/test/e2e/suite"
)

func clientKey(name string) client.ObjectKey { return client.ObjectKey{Name: name} }

// H2: the webhook is down. Pods start as they are, and an event says why they have no model, as soon as somebody is there to say it.
func TestWebhook_IsDownAndPodsStartAllTheSame(t *testing.T) { //nolint:paralleltest // takes the controller from all others
	s := newScene(t)
	s.scaleController(0)
	s.Apply(`
apiVersion: v1
kind: Pod
metadata: {name: plain, namespace: NAMESPACE, labels: {app: plain}, annotations: {hoist.dev/model: llama}}
spec:
  terminationGracePeriodSeconds: 1
  securityContext: {runAsNonRoot: true, runAsUser: 1000, seccompProfile: {type: RuntimeDefault}}
  containers:
    - name: server
      image: IMAGE
      args: [serve, ":8080"]
      securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
`)
	if pod := s.AwaitReady("plain", 1)[0]; len(pod.Spec.ReadinessGates) != 0 {
		t.Errorf("somebody injected it: %+v", pod.Spec)
	}
	s.scaleController(1)
	s.Await("the pod to be told", func(ctx context.Context) (bool, error) {
		if said := s.events(ctx, "plain"); !strings.Contains(said, "ModelNotMounted") || !strings.Contains(said, "did not answer") {
			return false, fmt.Errorf("it was told %s", said)
		}
		return true, nil
	})
}

// scaleController waits until it is so.
func (s scene) scaleController(replicas int) {
	s.t.Helper()
	if _, err := s.Kubectl(s.t.Context(), "scale", "deployment/hoist-controller", fmt.Sprintf("--replicas=%d", replicas), "--namespace="+suite.System); err != nil {
		s.t.Fatal(err)
	}
	s.Await("the controller to be scaled", func(ctx context.Context) (bool, error) {
		pods, err := s.Client.CoreV1().Pods(suite.System).List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/component=controller"})
		if err != nil || len(pods.Items) != replicas {
			return false, err
		}
		return replicas == 0 || suite.PodReady(&pods.Items[0]), nil
	})
	if replicas > 0 {
		s.Await("the webhook to answer", func(ctx context.Context) (bool, error) { injected, err := s.tryPod(ctx); return injected, err })
	}
}

// tryPod makes a pod without making it, and says whether it was injected.
func (s scene) tryPod(ctx context.Context) (injected bool, err error) {
	pod, err := s.Client.CoreV1().Pods(s.Name).Create(ctx, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{GenerateName: "try-", Annotations: map[string]string{"hoist.dev/model": "llama"}},
		Spec: corev1.PodSpec{
			SecurityContext: &corev1.PodSecurityContext{RunAsNonRoot: new(true), RunAsUser: new(int64(1000)), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}},
			Containers: []corev1.Container{{Name: "a", Image: "nginx", SecurityContext: &corev1.SecurityContext{AllowPrivilegeEscalation: new(false),
				Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}}}}}},
		metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if err != nil {
		return false, err
	}
	for i := range pod.Spec.Volumes {
		injected = injected || pod.Spec.Volumes[i].CSI != nil
	}
	return injected, nil
}

// H5: the certificate is rotated three times while pods are made, and each of them is injected.
func TestWebhook_RotatesItsCertificateWithoutAFailedCall(t *testing.T) { //nolint:paralleltest // rotates that of all others
	s := newScene(t)
	s.Await("the webhook to answer", func(ctx context.Context) (bool, error) { injected, err := s.tryPod(ctx); return injected, err })
	var calls, missed atomic.Int64
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-stop:
				return
			default:
				if injected, err := s.tryPod(t.Context()); err != nil || !injected {
					missed.Add(1)
				}
				calls.Add(1)
			}
		}
	}()
	secrets := s.Client.CoreV1().Secrets(suite.System)
	for range 3 {
		before, err := secrets.Get(t.Context(), "hoist-webhook", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := secrets.Patch(t.Context(), "hoist-webhook", types.MergePatchType, []byte(`{"data":{"tls.crt":null,"tls.key":null}}`), metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
		s.Await("another certificate", func(ctx context.Context) (bool, error) {
			now, err := secrets.Get(ctx, "hoist-webhook", metav1.GetOptions{})
			return err == nil && len(now.Data["tls.crt"]) > 0 && !bytes.Equal(now.Data["tls.crt"], before.Data["tls.crt"]), err
		})
		since := calls.Load()
		s.Await("twenty more pods", func(context.Context) (bool, error) { return calls.Load() > since+20, nil })
	}
	close(stop)
	<-ended
	if missed.Load() > 0 {
		t.Errorf("%d of %d pods were not injected", missed.Load(), calls.Load())
	}
	t.Logf("%d calls", calls.Load())
}

// The agent is gone while a pod waits for it. Its gate opens, and the event says why.
func TestAgent_IsSilentAndTheGateOpens(t *testing.T) { //nolint:paralleltest // takes the agents from all others
	s := newScene(t)
	s.server("llama", "0.0005", "", "") // two minutes
	s.onePod("llama", "waiting", func(pod *corev1.Pod) bool { return gate(pod).Reason == "WeightsLoading" })
	nodes := func(selector string) {
		t.Helper()
		patch := `{"spec":{"template":{"spec":{"nodeSelector":{"kubernetes.io/os":"linux"` + selector + `}}}}}`
		if _, err := s.Kubectl(t.Context(), "patch", "daemonset/hoist-agent", "--namespace="+suite.System, "--type=merge", "--patch", patch); err != nil {
			t.Fatal(err)
		}
	}
	nodes(`,"nobody":"has-this"`)
	pod := s.onePod("llama", "let in", func(pod *corev1.Pod) bool { return gate(pod).Status == corev1.ConditionTrue })
	if g := gate(pod); g.Reason != "AgentUnavailable" || !strings.Contains(s.events(t.Context(), pod.Name), "AgentUnavailable") {
		t.Errorf("it opened as %+v; events: %s", g, s.events(t.Context(), pod.Name))
	}
	nodes(`,"nobody":null`)
	if _, err := s.Kubectl(t.Context(), "rollout", "status", "daemonset/hoist-agent", "--namespace="+suite.System, "--timeout=60s"); err != nil {
		t.Fatal(err)
	}
}

// An agent sets the one condition of pods on its own node, and nothing else of anybody.
func TestAgent_WritesOneConditionOfItsOwnPodsAlone(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.server("llama", "0", "", "")
	pod := s.AwaitReady("llama", 1)[0]
	other := map[string]string{"node1": "node2", "node2": "node1"}[pod.Spec.NodeName]
	const ours = `{"status":{"conditions":[{"type":"hoist.dev/weights-in-vram","status":"True","reason":"Test","message":"by a test"}]}}`
	for _, row := range []struct {
		node, patch string
		allowed     bool
	}{
		{pod.Spec.NodeName, ours, true},
		{other, ours, false},
		{pod.Spec.NodeName, `{"status":{"conditions":[{"type":"Ready","status":"False"}]}}`, false},
		{pod.Spec.NodeName, `{"status":{"conditions":[{"type":"PodScheduled","$patch":"delete"}]}}`, false},
		{pod.Spec.NodeName, `{"status":{"phase":"Failed"}}`, false},
		{pod.Spec.NodeName, `{"metadata":{"labels":{"app":"another"}},"status":{}}`, false},
		{pod.Spec.NodeName, `{"metadata":{"annotations":{"hoist.dev/weights-in-vram":"again"}},"status":{}}`, true},
		{pod.Spec.NodeName, `{"metadata":{"annotations":{"another":"one"}},"status":{}}`, false},
		{pod.Spec.NodeName, `{"metadata":{"annotations":{"hoist.dev/model":null}},"status":{}}`, false},
	} {
		_, err := s.agent(row.node).CoreV1().Pods(s.Name).Patch(t.Context(), pod.Name, types.StrategicMergePatchType, []byte(row.patch), metav1.PatchOptions{}, "status")
		if row.allowed != (err == nil) || err != nil && !strings.Contains(err.Error(), "an agent may write only") {
			t.Errorf("the agent of %s: %s: %v", row.node, row.patch, err)
		}
	}
}

// agent is a client with the token of the agent of a node.
func (s scene) agent(node string) kubernetes.Interface {
	s.t.Helper()
	pods, err := s.Client.CoreV1().Pods(suite.System).List(s.t.Context(), metav1.ListOptions{LabelSelector: "app.kubernetes.io/component=agent", FieldSelector: "spec.nodeName=" + node})
	if err != nil || len(pods.Items) == 0 {
		s.t.Fatalf("%d agents on %s, %v", len(pods.Items), node, err)
	}
	made, err := s.Client.CoreV1().ServiceAccounts(suite.System).CreateToken(s.t.Context(), "hoist-agent", &authv1.TokenRequest{Spec: authv1.TokenRequestSpec{
		BoundObjectRef: &authv1.BoundObjectReference{Kind: "Pod", APIVersion: "v1", Name: pods.Items[0].Name, UID: pods.Items[0].UID}}}, metav1.CreateOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	config := rest.AnonymousClientConfig(s.Cluster.REST())
	config.BearerToken = made.Status.Token
	c, err := kubernetes.NewForConfig(config)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}
