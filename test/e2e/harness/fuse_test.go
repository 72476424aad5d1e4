// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package harness_test

import (
	"context"
	"io"
	"net/http"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hoist-dev/hoist/test/e2e/suite"
)

const fuseServer = `
apiVersion: v1
kind: Pod
metadata: {name: mounter, namespace: NAMESPACE, labels: {app: mounter}}
spec:
  nodeName: node1
  terminationGracePeriodSeconds: 5
  containers:
    - name: mounter
      image: IMAGE
      args: [fuse, /shared/mounted, ":8081"]
      securityContext: {privileged: true, runAsUser: 0}
      readinessProbe: {httpGet: {path: /healthz, port: 8081}, periodSeconds: 1}
      volumeMounts:
        - {name: shared, mountPath: /shared, mountPropagation: Bidirectional}
        - {name: fuse, mountPath: /dev/fuse}
  volumes:
    - {name: shared, hostPath: {path: /var/lib/hoist/fuse-test, type: DirectoryOrCreate}}
    - {name: fuse, hostPath: {path: /dev/fuse, type: CharDevice}}
`

const fuseReader = `
apiVersion: v1
kind: Pod
metadata: {name: reader, namespace: NAMESPACE, labels: {app: reader}}
spec:
  nodeName: node1
  terminationGracePeriodSeconds: 1
  containers:
    - name: reader
      image: IMAGE
      args: [serve, ":8080"]
      readinessProbe: {httpGet: {path: /healthz, port: 8080}, periodSeconds: 1}
      volumeMounts: [{name: shared, mountPath: /shared, mountPropagation: HostToContainer}]
  volumes:
    - {name: shared, hostPath: {path: /var/lib/hoist/fuse-test, type: DirectoryOrCreate}}
`

// What one pod mounts with FUSE, another sees that was there before, also after the server was killed and mounts anew.
func TestFUSE_MountReachesOtherPodsAndSurvivesItsServer(t *testing.T) {
	t.Parallel()
	ns := suite.NewNamespace(t, nil)
	ns.Apply(fuseReader)
	reader := ns.AwaitReady("reader", 1)[0]
	ns.Apply(fuseServer)
	mounter := ns.AwaitReady("mounter", 1)[0]
	file := "http://" + reader.Status.PodIP + ":8080/files/shared/mounted/hello"
	awaitBody(ns, file, "hello from fuse\n")

	container := mounter.Status.ContainerStatuses[0]
	if err := ns.Cluster.KillContainer(t.Context(), "node1", container.ContainerID); err != nil {
		t.Fatal(err)
	}
	ns.Await("the server to be started again", func(ctx context.Context) (bool, error) {
		pod, err := ns.Client.CoreV1().Pods(ns.Name).Get(ctx, mounter.Name, metav1.GetOptions{})
		return err == nil && suite.PodReady(pod) && pod.Status.ContainerStatuses[0].RestartCount > container.RestartCount, err
	})
	awaitBody(ns, file, "hello from fuse\n")

	now, err := ns.Client.CoreV1().Pods(ns.Name).Get(t.Context(), reader.Name, metav1.GetOptions{})
	if err != nil || now.Status.ContainerStatuses[0].RestartCount != 0 {
		t.Errorf("the reader was started again: %v", err)
	}
}

func awaitBody(ns suite.Namespace, url, want string) {
	ns.Await(url, func(ctx context.Context) (bool, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
		if err != nil {
			return false, err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return false, err
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		return string(body) == want, err
	})
}
