// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package mount_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	authv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/bench/synth"
	"github.com/hoist-dev/hoist/test/e2e/suite"
)

// A namespace mounts the Models of another only if they grant it. Until then its pod says why it waits, and once they do it starts.
func TestModel_OfAnotherNamespaceNeedsItsGrant(t *testing.T) {
	t.Parallel()
	owner, guest := newScene(t), newScene(t)
	files := owner.PutModel(t, "shared/", synth.Options{Size: 8 << 20, Shard: 8 << 20, Seed: 3})
	owner.model("shared", "shared/", "")
	owner.awaitCondition(new(v1alpha1.Model), "shared", v1alpha1.ReadyCondition, metav1.ConditionTrue, "")

	guest.pod("guest", "shared, namespace: "+owner.Name, "")
	guest.awaitEvent("guest", "there is no such Model, or it does not allow pods of the namespace "+guest.Name)
	owner.model("shared", "shared/", ", allowedNamespaces: ["+guest.Name+"]")
	guest.compare(guest.AwaitReady("guest", 1)[0], files)
}

// awaitEvent waits for an event of a pod that has this text in it.
func (s scene) awaitEvent(pod, text string) {
	s.t.Helper()
	s.Await("the pod "+pod+" to be told: "+text, func(ctx context.Context) (bool, error) {
		events, err := s.Client.CoreV1().Events(s.Name).List(ctx, metav1.ListOptions{FieldSelector: "involvedObject.name=" + pod})
		if err != nil {
			return false, err
		}
		var said []string
		for i := range events.Items {
			if strings.Contains(events.Items[i].Message, text) {
				return true, nil
			}
			said = append(said, events.Items[i].Message)
		}
		return false, fmt.Errorf("it was told %q", said)
	})
}

// Two Models of one source share the bytes, and each proves its own access: with a Secret that the origin refuses, the bytes that are
// on the node already are not given out.
func TestModel_WithoutAccessGetsNothingOfWhatOthersFetched(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	files := s.PutModel(t, "tiny/", synth.Options{Size: 8 << 20, Shard: 8 << 20, Seed: 4})
	s.model("allowed", "tiny/", "")
	s.pod("allowed", "allowed", "node1")
	s.compare(s.AwaitReady("allowed", 1)[0], files)

	before := s.Gets()
	s.model("allowed-too", "tiny/", "")
	s.pod("allowed-too", "allowed-too", "node1")
	s.compare(s.AwaitReady("allowed-too", 1)[0], files)
	if after := s.Gets(); after != before {
		t.Errorf("bytes that are on the node were asked for again, %d times", after-before)
	}

	s.Apply(`
apiVersion: v1
kind: Secret
metadata: {name: wrong, namespace: NAMESPACE}
stringData: {AWS_ACCESS_KEY_ID: stranger, AWS_SECRET_ACCESS_KEY: guess}
`)
	s.Apply(strings.NewReplacer("URI", "s3://"+s.Bucket+"/tiny/", "ENDPOINT", s.Endpoint).Replace(`
apiVersion: hoist.dev/v1alpha1
kind: Model
metadata: {name: denied, namespace: NAMESPACE}
spec: {source: "URI", s3: {endpoint: "ENDPOINT", region: us-east-1}, credentials: {secretName: wrong}}
`))
	s.awaitCondition(new(v1alpha1.Model), "denied", v1alpha1.ResolvedCondition, metav1.ConditionFalse, v1alpha1.SourceDeniedReason)
	s.pod("denied", "denied", "node1")
	s.awaitEvent("denied", "access denied")
}

// An agent writes the CacheNode of its own node and no other, and says of none what it shall hold.
func TestAgent_WritesItsOwnCacheNodeAlone(t *testing.T) {
	t.Parallel()
	ns := suite.NewNamespace(t, nil)
	token := agentToken(t, ns, "node1")
	for node, allowed := range map[string]bool{"node1": true, "node2": false} {
		err := token.Status().Patch(t.Context(), named(node), client.RawPatch(types.MergePatchType, []byte(`{"status":{"version":"e2e"}}`)))
		if allowed != (err == nil) || err != nil && !strings.Contains(err.Error(), "only the CacheNode of its own node") {
			t.Errorf("the agent of node1 wrote the status of %s: %v", node, err)
		}
	}
	spec := []byte(`{"spec":{"models":[{"namespace":"a","name":"b","revision":"sha256:` + strings.Repeat("0", 64) + `"}]}}`)
	if err := token.Patch(t.Context(), named("node1"), client.RawPatch(types.MergePatchType, spec)); err == nil {
		t.Error("an agent said what its node shall hold")
	}
	made := named("node1")
	made.Spec.Images = []string{"vllm"}
	if err := token.Create(t.Context(), made, client.DryRunAll); err == nil || !strings.Contains(err.Error(), "what a node shall hold") {
		t.Errorf("an agent made a CacheNode that says which images its node shall pull: %v", err)
	}
}

func named(node string) *v1alpha1.CacheNode {
	return &v1alpha1.CacheNode{ObjectMeta: metav1.ObjectMeta{Name: node}}
}

// agentToken is a client with the token of the agent on a node.
func agentToken(t *testing.T, ns suite.Namespace, node string) client.Client {
	t.Helper()
	pods, err := ns.Client.CoreV1().Pods(suite.System).List(t.Context(), metav1.ListOptions{
		LabelSelector: "app.kubernetes.io/component=agent", FieldSelector: "spec.nodeName=" + node})
	if err != nil || len(pods.Items) == 0 {
		t.Fatalf("%d agents on %s, %v", len(pods.Items), node, err)
	}
	made, err := ns.Client.CoreV1().ServiceAccounts(suite.System).CreateToken(t.Context(), "hoist-agent", &authv1.TokenRequest{Spec: authv1.TokenRequestSpec{
		BoundObjectRef: &authv1.BoundObjectReference{Kind: "Pod", APIVersion: "v1", Name: pods.Items[0].Name, UID: pods.Items[0].UID}}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	config := rest.AnonymousClientConfig(ns.Cluster.REST())
	config.BearerToken = made.Status.Token
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	c, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
