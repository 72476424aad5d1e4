// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package mount_test

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/test/e2e/suite"
)

// scene is a namespace with an origin, and a client for our kinds.
type scene struct {
	suite.Namespace
	*suite.Origin
	t *testing.T
}

// restricted namespaces admit no pod with a hostPath, or with rights.
var restricted = map[string]string{"pod-security.kubernetes.io/enforce": "restricted"}

func newScene(t *testing.T) scene {
	t.Helper()
	ns := suite.NewNamespace(t, restricted)
	s := scene{Namespace: ns, Origin: suite.NewOrigin(t, ns.Cluster, ns.Name), t: t}
	s.Apply(`
apiVersion: v1
kind: Secret
metadata: {name: keys, namespace: NAMESPACE}
stringData: {AWS_ACCESS_KEY_ID: ` + s.S3.AccessKey + `, AWS_SECRET_ACCESS_KEY: ` + s.S3.SecretKey + `}
`)
	return s
}

// model applies a Model of a prefix of the origin. spec is added to its spec, in YAML's flow style.
func (s scene) model(name, prefix, spec string) {
	s.t.Helper()
	s.Apply(fmt.Sprintf(`
apiVersion: hoist.dev/v1alpha1
kind: Model
metadata: {name: %s, namespace: NAMESPACE}
spec: {source: "s3://%s/%s", s3: {endpoint: "%s", region: us-east-1}, credentials: {secretName: keys}%s}
`, name, s.Bucket, prefix, s.Endpoint, spec))
}

func (s scene) prefetch(name, model, spec string) {
	s.t.Helper()
	s.Apply(fmt.Sprintf(`
apiVersion: hoist.dev/v1alpha1
kind: Prefetch
metadata: {name: %s, namespace: NAMESPACE}
spec: {modelName: %s%s}
`, name, model, spec))
}

// pod applies a pod that mounts a model at /models and serves it. node may be "".
func (s scene) pod(name, model, node string) {
	s.t.Helper()
	s.Apply(strings.NewReplacer("POD", name, "MODEL", model, "NODE", node).Replace(`
apiVersion: v1
kind: Pod
metadata: {name: POD, namespace: NAMESPACE, labels: {app: POD}}
spec:
  nodeSelector: {` + map[bool]string{true: `kubernetes.io/hostname: "NODE"`}[node != ""] + `}
  terminationGracePeriodSeconds: 1
  securityContext: {runAsNonRoot: true, runAsUser: 1000, seccompProfile: {type: RuntimeDefault}}
  containers:
    - name: server
      image: IMAGE
      args: [serve, ":8080"]
      securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
      readinessProbe: {httpGet: {path: /healthz, port: 8080}, periodSeconds: 1}
      volumeMounts: [{name: model, mountPath: /models}]
  volumes:
    - name: model
      csi: {driver: csi.hoist.dev, readOnly: true, volumeAttributes: {model: MODEL}}
`))
}

// awaitCondition waits for a condition of an object of ours, and returns it.
func (s scene) awaitCondition(object client.Object, name, kind string, status metav1.ConditionStatus, reason string) metav1.Condition {
	s.t.Helper()
	return s.AwaitCondition(object, name, kind, status, reason)
}

// read reads a file of a model through a pod that serves.
func (s scene) read(pod corev1.Pod, path string) (code int, content []byte) {
	s.t.Helper()
	return s.Read(pod, "/models/"+path)
}

// compare reads every file through a pod.
func (s scene) compare(pod corev1.Pod, files map[string][]byte) {
	s.t.Helper()
	s.Compare(pod, "/models/", files)
}
