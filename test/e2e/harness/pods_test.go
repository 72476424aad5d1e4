// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package harness_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hoist-dev/hoist/test/e2e/suite"
)

// One pod on each node with an exec probe, a network of its own and a limit of memory.
const server = `
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: server, namespace: NAMESPACE}
spec:
  selector: {matchLabels: {app: server}}
  template:
    metadata: {labels: {app: server}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: server
          image: IMAGE
          args: [serve, ":8080"]
          resources: {limits: {memory: 64Mi, cpu: 500m}}
          readinessProbe:
            exec: {command: [/usr/local/bin/testpod, probe, "http://127.0.0.1:8080/healthz"]}
            periodSeconds: 1
          livenessProbe: {httpGet: {path: /healthz, port: 8080}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: server, namespace: NAMESPACE}
spec:
  selector: {app: server}
  ports: [{port: 80, targetPort: 8080}]
`

func TestPods_RunOnEveryNodeAndCanBeReached(t *testing.T) {
	t.Parallel()
	ns := suite.NewNamespace(t, nil)
	ns.Apply(server)
	pods := ns.AwaitReady("server", len(ns.Cluster.Nodes()))

	nodes := map[string]bool{}
	for _, pod := range pods {
		nodes[pod.Spec.NodeName] = true
		if got := httpGet(t, "http://"+net.JoinHostPort(pod.Status.PodIP, "8080")+"/healthz"); got != "ok\n" {
			t.Errorf("pod %s answers %q", pod.Name, got)
		}
	}
	if len(nodes) != len(pods) {
		t.Errorf("pods are on %v", nodes)
	}

	// From one pod to the others by way of the service: kube-proxy, and the routes between nodes.
	service, err := ns.Client.CoreV1().Services(ns.Name).Get(t.Context(), "server", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, pod := range pods {
		for _, host := range []string{service.Spec.ClusterIP + ":80", pods[0].Status.PodIP + ":8080", pods[1].Status.PodIP + ":8080"} {
			// kube-proxy learns of a pod a moment after it is Ready.
			ns.Await(host+" from "+pod.Name, func(ctx context.Context) (bool, error) {
				_, err := exec(ctx, ns, pod.Name, "probe", "http://"+host+"/healthz")
				return true, err
			})
		}
	}
}

func TestPods_ExecAndLogs(t *testing.T) {
	t.Parallel()
	ns := suite.NewNamespace(t, nil)
	ns.Apply(`
apiVersion: v1
kind: Pod
metadata: {name: talker, namespace: NAMESPACE, labels: {app: talker}}
spec:
  restartPolicy: Never
  containers:
    - name: talker
      image: IMAGE
      args: [cat, /etc/passwd, /var/run/secrets/kubernetes.io/serviceaccount/namespace]
`)
	ns.Await("the pod to end", func(ctx context.Context) (bool, error) {
		pod, err := ns.Client.CoreV1().Pods(ns.Name).Get(ctx, "talker", metav1.GetOptions{})
		return err == nil && pod.Status.Phase == corev1.PodSucceeded, err
	})
	log, err := ns.Client.CoreV1().Pods(ns.Name).GetLogs("talker", &corev1.PodLogOptions{}).DoRaw(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(log), "root:") || !strings.HasSuffix(string(log), "\n"+ns.Name) {
		t.Errorf("log %q", log)
	}
	ns.Apply(server)
	pod := ns.AwaitReady("server", len(ns.Cluster.Nodes()))[0]
	if out, err := exec(t.Context(), ns, pod.Name, "cat", "/etc/passwd"); err != nil || !strings.HasPrefix(out, "root:") {
		t.Errorf("exec gives %q, %v", out, err)
	}
}

func TestPods_LimitOfMemoryIsKept(t *testing.T) {
	t.Parallel()
	ns := suite.NewNamespace(t, nil)
	ns.Apply(`
apiVersion: v1
kind: Pod
metadata: {name: eater, namespace: NAMESPACE}
spec:
  restartPolicy: Never
  containers:
    - name: eater
      image: IMAGE
      args: [eat, "256"]
      resources: {limits: {memory: 32Mi}}
`)
	var ended *corev1.ContainerStateTerminated
	ns.Await("the pod to be killed", func(ctx context.Context) (bool, error) {
		pod, err := ns.Client.CoreV1().Pods(ns.Name).Get(ctx, "eater", metav1.GetOptions{})
		if err != nil || len(pod.Status.ContainerStatuses) == 0 {
			return false, err
		}
		ended = pod.Status.ContainerStatuses[0].State.Terminated
		return ended != nil, nil
	})
	if ended.Reason != "OOMKilled" || ended.ExitCode != 137 {
		t.Errorf("ended with %s, %d, want OOMKilled, 137", ended.Reason, ended.ExitCode)
	}
}

// exec runs the test program in a pod and gives what it prints.
func exec(ctx context.Context, ns suite.Namespace, pod string, arguments ...string) (string, error) {
	return ns.Kubectl(ctx, append([]string{"exec", pod, "--", "/usr/local/bin/testpod"}, arguments...)...)
}

func httpGet(t *testing.T, url string) string {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
