// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	kubeyaml "k8s.io/apimachinery/pkg/util/yaml"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/deploy/render"
)

//go:generate go test -run ^TestInstall_ -update .

var update = flag.Bool("update", false, "write deploy/install.yaml and testdata instead of comparing them")

const root = "../.."

// everything is a value for all that is off by default.
var everything = []string{"serviceMonitor.enabled=true", "grafanaDashboard.enabled=true", "agent.env[0].name=AWS_REGION", "agent.env[0].value=eu-central-1",
	"agent.podLabels.team=ml", "agent.podAnnotations.example\\.com/a=b", "agent.serviceAccount.annotations.eks\\.amazonaws\\.com/role-arn=arn:aws:iam::1:role/hoist",
	"agent.priorityClassName=system-node-critical", "imagePullSecrets[0].name=registry", "controller.tolerations[0].operator=Exists",
	"scaler.prometheusAuth.secretName=prometheus", "scaler.prometheusAuth.headers.X-Scope-OrgID=team-a", "scaler.prometheusAuth.triggerAuthentication.name=prometheus",
	"scaler.prometheusAuth.triggerAuthentication.authModes=bearer", "scaler.capacity.placeholders.enabled=true"}

// chart renders; a machine without helm skips, unless it is one that must not.
func chart(t *testing.T, set ...string) string {
	t.Helper()
	if _, err := os.Stat(filepath.Join(root, "bin", "tools", "helm")); err != nil {
		if os.Getenv("CI") == "true" || *update {
			t.Fatal(err)
		}
		t.Skip("no helm: make helm builds it")
	}
	// Go's cache of test results knows of the files that the test has read, but not of those that helm has.
	if err := os.CopyFS(t.TempDir(), os.DirFS(filepath.Join(root, "deploy", "chart"))); err != nil {
		t.Fatal(err)
	}
	out, err := render.Chart(t.Context(), root, set...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// objects decodes what is rendered, strictly: a field that Kubernetes does not know is a failure.
func objects(t *testing.T, rendered string) []client.Object {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), apiextensionsv1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	addForeign(scheme)
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	var all []client.Object
	documents := kubeyaml.NewYAMLReader(bufio.NewReader(strings.NewReader(rendered)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if empty(document) {
			continue
		}
		object, _, err := decoder.Decode(document, nil, nil)
		if err != nil {
			t.Fatalf("%v\n%s", err, document)
		}
		o, ok := object.(client.Object)
		if !ok {
			t.Fatalf("%T is no object", object)
		}
		all = append(all, o)
	}
}

func empty(document []byte) bool {
	for line := range bytes.Lines(document) {
		if text := bytes.TrimSpace(line); len(text) > 0 && text[0] != '#' && !bytes.Equal(text, []byte("---")) {
			return false
		}
	}
	return true
}

// only gives the objects of one type.
func only[T client.Object](all []client.Object) []T {
	var some []T
	for _, o := range all {
		if t, ok := o.(T); ok {
			some = append(some, t)
		}
	}
	return some
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s is stale: go test ./deploy/render -update writes it (-want +got):\n%s", path, diff)
	}
}
