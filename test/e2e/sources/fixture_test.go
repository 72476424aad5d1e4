// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package sources_test

import (
	"bytes"
	"net"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/bench/synth"
	"github.com/hoist-dev/hoist/test/e2e/suite"
)

// scene is a namespace that enforces "restricted".
type scene struct {
	suite.Namespace
	t *testing.T
}

func newScene(t *testing.T) scene {
	t.Helper()
	return scene{suite.NewNamespace(t, map[string]string{"pod-security.kubernetes.io/enforce": "restricted"}), t}
}

// model applies a Model with this spec, in YAML's flow style, and returns its revision.
func (s scene) model(name, spec string) string {
	s.t.Helper()
	s.Apply("apiVersion: hoist.dev/v1alpha1\nkind: Model\nmetadata: {name: " + name + ", namespace: NAMESPACE}\nspec: {" + spec + "}\n")
	var model v1alpha1.Model
	s.AwaitCondition(&model, name, v1alpha1.ReadyCondition, metav1.ConditionTrue, v1alpha1.PinnedReason)
	return model.Status.Revision
}

// refused applies a Model that can't be resolved, and returns what its condition says.
func (s scene) refused(name, spec, reason string) string {
	s.t.Helper()
	s.Apply("apiVersion: hoist.dev/v1alpha1\nkind: Model\nmetadata: {name: " + name + ", namespace: NAMESPACE}\nspec: {" + spec + "}\n")
	return s.AwaitCondition(new(v1alpha1.Model), name, v1alpha1.ResolvedCondition, metav1.ConditionFalse, reason).Message
}

func (s scene) secret(name, data string) {
	s.t.Helper()
	s.Apply("apiVersion: v1\nkind: Secret\nmetadata: {name: " + name + ", namespace: NAMESPACE}\nstringData: {" + data + "}\n")
}

// prefetch has every node hold a model.
func (s scene) prefetch(model string) {
	s.t.Helper()
	s.Apply("apiVersion: hoist.dev/v1alpha1\nkind: Prefetch\nmetadata: {name: " + model + ", namespace: NAMESPACE}\nspec: {modelName: " + model + "}\n")
	s.AwaitCondition(new(v1alpha1.Prefetch), model, v1alpha1.ReadyCondition, metav1.ConditionTrue, v1alpha1.CompleteReason)
}

// reader runs a Deployment with one annotation, and returns its pod.
func (s scene) reader(model string) corev1.Pod {
	s.t.Helper()
	s.Apply(strings.ReplaceAll(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: MODEL, namespace: NAMESPACE, annotations: {hoist.dev/model: MODEL, hoist.dev/readiness: "Off"}}
spec:
  selector: {matchLabels: {app: MODEL}}
  template:
    metadata: {labels: {app: MODEL}}
    spec:
      terminationGracePeriodSeconds: 1
      securityContext: {runAsNonRoot: true, runAsUser: 1000, seccompProfile: {type: RuntimeDefault}}
      containers:
        - name: server
          image: IMAGE
          args: [serve, ":8080"]
          securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
          readinessProbe: {httpGet: {path: /healthz, port: 8080}, periodSeconds: 1}
`, "MODEL", model))
	return s.AwaitReady(model, 1)[0]
}

// fromHub reads every file of a repository as from_pretrained does: the cache that the container's environment names, the commit that
// main is, and the files of that commit. It returns the commit.
func (s scene) fromHub(pod corev1.Pod, repo string, files map[string][]byte) string {
	s.t.Helper()
	env := map[string]string{}
	for _, e := range pod.Spec.Containers[0].Env {
		env[e.Name] = e.Value
	}
	if env["HF_HUB_OFFLINE"] != "1" || env["HF_HUB_CACHE"] == "" {
		s.t.Fatalf("the pod's environment does not name a cache: %v", env)
	}
	root := env["HF_HUB_CACHE"] + "/models--" + strings.ReplaceAll(repo, "/", "--")
	code, commit := s.Read(pod, root+"/refs/main")
	if code != http.StatusOK || len(commit) != 40 {
		s.t.Fatalf("%s/refs/main: status %d, %.100q", root, code, commit)
	}
	s.Compare(pod, root+"/snapshots/"+string(commit)+"/", files)
	return string(commit)
}

// files are those of a synthetic model.
func files(t *testing.T, seed uint64) map[string][]byte {
	t.Helper()
	plan, err := synth.Plan(synth.Options{Size: 32 << 20, Shard: 16 << 20, Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	contents := map[string][]byte{}
	for _, f := range plan {
		var content bytes.Buffer
		if _, err := f.WriteTo(&content); err != nil {
			t.Fatal(err)
		}
		contents[f.Path] = content.Bytes()
	}
	return contents
}

// listen listens where pods of the cluster reach it.
func (s scene) listen() net.Listener {
	s.t.Helper()
	l, err := new(net.ListenConfig).Listen(s.t.Context(), "tcp", net.JoinHostPort(s.Cluster.Computer(), "0"))
	if err != nil {
		s.t.Fatal(err)
	}
	return l
}
