// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package harness_test

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hoist-dev/hoist/test/cluster/pki"
	"github.com/hoist-dev/hoist/test/e2e/suite"
)

// The API server calls a webhook that the test itself serves, for the pods of one namespace alone.
func TestWebhook_IsCalledAndChangesThePod(t *testing.T) {
	t.Parallel()
	ns := suite.NewNamespace(t, nil)
	var calls atomic.Int32
	url, ca := serveWebhook(t, ns.Cluster.Computer(), func(*admissionv1.AdmissionRequest) string {
		calls.Add(1)
		return `[{"op":"add","path":"/metadata/annotations","value":{"hoist.dev/seen":"true"}}]`
	})
	name := "webhook-" + ns.Name
	ns.Apply(`
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: ` + name + `}
webhooks:
  - name: pods.hoist.dev
    clientConfig: {url: "` + url + `", caBundle: ` + base64.StdEncoding.EncodeToString(ca) + `}
    rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: NAMESPACE}}
    sideEffects: None
    admissionReviewVersions: [v1]
`)
	t.Cleanup(func() { _, _ = ns.Cluster.Kubectl(t.Context(), "delete", "mutatingwebhookconfiguration", name) })

	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "seen"}, Spec: corev1.PodSpec{
		NodeName: "nowhere", Containers: []corev1.Container{{Name: "c", Image: "none"}},
	}}
	// The API server learns of a webhook a moment after it was made.
	ns.Await("the webhook to be called", func(ctx context.Context) (bool, error) {
		made, err := ns.Client.CoreV1().Pods(ns.Name).Create(ctx, pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return err == nil && made.Annotations["hoist.dev/seen"] == "true", err
	})
	if calls.Load() == 0 {
		t.Error("the pod was changed, but not by the webhook")
	}
}

// serveWebhook answers admission reviews at address with the patch that the function gives.
func serveWebhook(t *testing.T, address string, patch func(*admissionv1.AdmissionRequest) string) (url string, ca []byte) {
	t.Helper()
	authority, err := pki.NewAuthority("webhook")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := authority.Issue(pki.Subject{Name: "webhook", Hosts: []string{address}})
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := tls.X509KeyPair(pair.Cert, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var review admissionv1.AdmissionReview
		if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		kind := admissionv1.PatchTypeJSONPatch
		review.Response = &admissionv1.AdmissionResponse{
			UID: review.Request.UID, Allowed: true, PatchType: &kind, Patch: []byte(patch(review.Request)),
		}
		_ = json.NewEncoder(w).Encode(review)
	}))
	server.Listener.Close()
	server.Listener = listener
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS13}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL + "/mutate", authority.CertPEM
}

func TestCRD_RuleRefusesWithItsMessage(t *testing.T) {
	t.Parallel()
	ns := suite.NewNamespace(t, nil)
	ns.Apply(`
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: ranges.test.hoist.dev}
spec:
  group: test.hoist.dev
  scope: Namespaced
  names: {kind: Range, plural: ranges}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              properties: {first: {type: integer}, last: {type: integer}}
              x-kubernetes-validations: [{rule: "self.first <= self.last", message: a range ends after it begins}]
`)
	t.Cleanup(func() { _, _ = ns.Cluster.Kubectl(t.Context(), "delete", "crd", "ranges.test.hoist.dev") })
	const object = "apiVersion: test.hoist.dev/v1\nkind: Range\nmetadata: {name: r, namespace: NAMESPACE}\nspec: "
	ns.Await("the kind to be served", func(ctx context.Context) (bool, error) {
		return true, ns.Cluster.Apply(ctx, strings.ReplaceAll(object, "NAMESPACE", ns.Name)+"{first: 1, last: 2}")
	})
	err := ns.Cluster.Apply(t.Context(), strings.ReplaceAll(object, "NAMESPACE", ns.Name)+"{first: 3, last: 2}")
	if err == nil || !strings.Contains(err.Error(), "a range ends after it begins") {
		t.Errorf("a range that ends before it begins: %v", err)
	}
}

// Rights are enforced: a node may change its own Node and no other (NodeRestriction).
func TestAPI_NodesHaveTheRightsOfNodes(t *testing.T) {
	t.Parallel()
	cluster := suite.Cluster(t)
	for node, allowed := range map[string]bool{"node1": true, "node2": false} {
		_, err := cluster.Kubectl(t.Context(), "--as=system:node:node1", "--as-group=system:nodes",
			"annotate", "--overwrite", "node", node, "test.hoist.dev/seen=true")
		if (err == nil) != allowed {
			t.Errorf("node1 changes %s: %v, want allowed %v", node, err, allowed)
		}
	}
}
