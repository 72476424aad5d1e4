// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/deploy/render"
)

const installHeader = "# Hoist, with the chart's own values: kubectl apply --server-side -f install.yaml\n# Written by make generate from deploy/chart.\n"

// deploy/install.yaml is what the chart says.
func TestInstall_IsWhatTheChartSays(t *testing.T) {
	t.Parallel()
	golden(t, root+"/deploy/install.yaml", installHeader+chart(t))
}

// All that is rendered is what Kubernetes knows, in order, each once, in its namespace, and labeled.
func TestChart_RendersWhatKubernetesKnows(t *testing.T) {
	t.Parallel()
	for _, set := range [][]string{nil, everything, {"webhook.certManager.enabled=true"}, {"webhook.enabled=false"}} {
		all := objects(t, chart(t, set...))
		seen := map[string]bool{}
		for i, o := range all {
			kind := o.GetObjectKind().GroupVersionKind().Kind
			name := fmt.Sprintf("%s %s/%s", kind, o.GetNamespace(), o.GetName())
			if seen[name] {
				t.Errorf("%s is there twice", name)
			}
			seen[name] = true
			if _, ok := o.(*corev1.Namespace); ok && o.GetName() != placeholders {
				if i != 0 {
					t.Errorf("%s is not the first", name)
				}
				continue
			}
			if _, ok := o.(*apiextensionsv1.CustomResourceDefinition); ok {
				if i > 4 {
					t.Errorf("%s comes after what may need it", name)
				}
				continue
			}
			if clusterWide := strings.HasPrefix(kind, "Cluster") || strings.HasPrefix(kind, "Validating") || strings.HasPrefix(kind, "Mutating") || kind == "CSIDriver" || kind == "PriorityClass" || kind == "Namespace"; clusterWide && o.GetNamespace() != "" || !clusterWide && o.GetNamespace() != render.Namespace && o.GetName() != placeholders {
				t.Errorf("%s: namespace %q", name, o.GetNamespace())
			}
			checkLabels(t, name, o)
		}
		if len(only[*apiextensionsv1.CustomResourceDefinition](all)) != 4 {
			t.Error("the CRDs are not all there")
		}
	}
}

func checkLabels(t *testing.T, name string, o client.Object) {
	t.Helper()
	for _, label := range []string{"app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component", "app.kubernetes.io/version",
		"app.kubernetes.io/managed-by", "helm.sh/chart"} {
		if o.GetLabels()[label] == "" {
			t.Errorf("%s has no label %s", name, label)
		}
	}
}
