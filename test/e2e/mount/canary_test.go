// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package mount_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/bench/synth"
	"github.com/hoist-dev/hoist/test/e2e/suite"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// J5: what a Secret holds shows up nowhere: not in logs at the most talkative level, not in objects, events, metrics or arguments,
// whether the credentials work or are refused.
func TestSecrets_ShowUpNowhere(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.PutModel(t, "tiny/", synth.Options{Size: 4 << 20, Shard: 4 << 20, Seed: 70})
	s.model("tiny", "tiny/", "")
	s.pod("reader", "tiny", "node1")
	s.AwaitReady("reader", 1)

	const canary = "canary-of-a-secret-key-5f1c3a"
	s.Apply(`
apiVersion: v1
kind: Secret
metadata: {name: canaries, namespace: NAMESPACE}
stringData: {AWS_ACCESS_KEY_ID: stranger, AWS_SECRET_ACCESS_KEY: ` + canary + `, AWS_SESSION_TOKEN: ` + canary + `}
`)
	s.Apply(strings.NewReplacer("URI", "s3://"+s.Bucket+"/tiny/", "ENDPOINT", s.Endpoint).Replace(`
apiVersion: hoist.dev/v1alpha1
kind: Model
metadata: {name: denied, namespace: NAMESPACE}
spec: {source: "URI", s3: {endpoint: "ENDPOINT", region: us-east-1}, credentials: {secretName: canaries}}
`))
	s.awaitCondition(new(v1alpha1.Model), "denied", v1alpha1.ResolvedCondition, metav1.ConditionFalse, v1alpha1.SourceDeniedReason)
	s.pod("denied", "denied", "node1")
	s.awaitEvent("denied", "access denied")

	for what, text := range s.everythingSaid() {
		if len(text) == 0 {
			t.Errorf("%s: nothing to look at", what)
		}
		for _, secret := range []string{canary, s.S3.SecretKey} {
			if i := bytes.Index(text, []byte(secret)); i >= 0 {
				t.Errorf("%s has a secret: ...%s...", what, text[max(0, i-200):i])
			}
		}
	}
}

// everythingSaid is what Hoist's programs say anywhere that somebody without the right to read Secrets can see.
func (s scene) everythingSaid() map[string][]byte {
	s.t.Helper()
	said := map[string][]byte{}
	ask := func(what string, args ...string) {
		out, err := s.Kubectl(s.t.Context(), args...)
		if err != nil {
			s.t.Fatal(err)
		}
		said[what] = []byte(out)
	}
	ask("objects", "get", "models,prefetches,cachenodes,events,pods,nodes,configmaps,leases", "-A", "-o", "yaml")
	pods, err := s.Client.CoreV1().Pods(suite.System).List(s.t.Context(), metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=hoist"})
	if err != nil {
		s.t.Fatal(err)
	}
	for i := range pods.Items {
		pod := &pods.Items[i]
		ask("log of "+pod.Name, "logs", pod.Name, "--namespace="+suite.System)
		for _, port := range pod.Spec.Containers[0].Ports {
			if port.Name != "metrics" {
				continue
			}
			ask("metrics of "+pod.Name, "get", "--raw", fmt.Sprintf("/api/v1/namespaces/%s/pods/%s:%d/proxy/metrics", suite.System, pod.Name, port.ContainerPort))
		}
	}
	arguments, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		s.t.Fatal(err)
	}
	for _, path := range arguments {
		if text, err := os.ReadFile(path); err == nil && bytes.Contains(text, []byte("hoist-")) {
			said[path] = text
		}
	}
	return said
}
