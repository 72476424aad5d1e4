// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package kueue_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/yaml"

	"github.com/hoist-dev/hoist/scaler/kueue"
)

// pod is one of two GPUs in a queue.
func pod(queue string) *corev1.Pod {
	p := &corev1.Pod{}
	p.Namespace = "team-a"
	if queue != "" {
		p.Labels = map[string]string{kueue.QueueLabel: queue}
	}
	p.Spec.NodeSelector = map[string]string{"accelerator": "h100", "kubernetes.io/arch": "amd64"}
	p.Spec.Containers = []corev1.Container{{Resources: corev1.ResourceRequirements{
		Limits: corev1.ResourceList{"nvidia.com/gpu": resource.MustParse("2"), "memory": resource.MustParse("100Gi"), "cpu": resource.MustParse("500m")}}}}
	return p
}

// cluster answers with one version of Kueue, or, with none, as one that has no Kueue.
func cluster(t *testing.T, version, objects string) client.WithWatch {
	t.Helper()
	var all []client.Object
	for document := range strings.SplitSeq(objects, "---") {
		o := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(document), &o.Object); err != nil {
			t.Fatal(err)
		}
		if len(o.Object) > 0 {
			o.SetAPIVersion("kueue.x-k8s.io/" + version)
			all = append(all, o)
		}
	}
	unknown := func(kind schema.GroupVersionKind) error {
		if kind.Version != version {
			return &meta.NoKindMatchError{GroupKind: kind.GroupKind(), SearchedVersions: []string{kind.Version}}
		}
		return nil
	}
	return fake.NewClientBuilder().WithScheme(runtime.NewScheme()).WithObjects(all...).WithInterceptorFuncs(interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
			if err := unknown(o.GetObjectKind().GroupVersionKind()); err != nil {
				return err
			}
			return c.Get(ctx, key, o, opts...)
		},
		List: func(ctx context.Context, c client.WithWatch, l client.ObjectList, opts ...client.ListOption) error {
			if err := unknown(l.GetObjectKind().GroupVersionKind()); err != nil {
				return err
			}
			return c.List(ctx, l, opts...)
		},
	}).Build()
}

// The flavors of two kinds of nodes. Pods select the second.
const (
	a100 = "{kind: ResourceFlavor, metadata: {name: a100}, spec: {nodeLabels: {accelerator: a100}}}\n---\n"
	h100 = "{kind: ResourceFlavor, metadata: {name: h100}, spec: {nodeLabels: {accelerator: h100}}}\n---\n"
)

const local = "{kind: LocalQueue, metadata: {name: q, namespace: team-a}, spec: {clusterQueue: gpus}}\n---\n"

// queue has so many GPUs of one flavor, with limits such as ", borrowingLimit: 2".
func queue(name, cohort string, gpus int, limits string) string {
	return fmt.Sprintf("{kind: ClusterQueue, metadata: {name: %s}, spec: {cohortName: %q, resourceGroups: [{coveredResources: [nvidia.com/gpu], flavors: [{name: h100, resources: [{name: nvidia.com/gpu, nominalQuota: %d%s}]}]}]}}\n---\n",
		name, cohort, gpus, limits)
}

func cohort(name, parent string, gpus int, limits string) string {
	return strings.NewReplacer("ClusterQueue", "Cohort", "cohortName", "parentName").Replace(queue(name, parent, gpus, limits))
}

func TestRead_SaysWhatIsEverAdmitted(t *testing.T) {
	t.Parallel()
	group := "{kind: ClusterQueue, metadata: {name: gpus}, spec: {resourceGroups: [{coveredResources: [cpu, memory, nvidia.com/gpu], flavors: ["
	flavor := "{name: %s, resources: [{name: cpu, nominalQuota: 100}, {name: memory, nominalQuota: %s}, {name: nvidia.com/gpu, nominalQuota: %d}]}"
	for name, row := range map[string]struct {
		objects string
		most    int64
		says    string // of the limit, or what is broken
	}{
		"its own":                           {queue("gpus", "", 9, ""), 4, "Kueue's ClusterQueue gpus of nvidia.com/gpu"},
		"the whole cohort":                  {queue("gpus", "all", 8, "") + queue("b", "all", 6, "") + queue("c", "other", 100, ""), 7, "with what the cohort all lends"},
		"as much as it may borrow":          {queue("gpus", "all", 8, ", borrowingLimit: 2") + queue("b", "all", 60, ""), 5, "ClusterQueue gpus"},
		"it may borrow more than there is":  {queue("gpus", "all", 8, ", borrowingLimit: 200") + queue("b", "all", 6, ""), 7, ""},
		"it may borrow nothing":             {queue("gpus", "all", 8, ", borrowingLimit: 0") + queue("b", "all", 60, ""), 4, ""},
		"as much as others lend":            {queue("gpus", "all", 8, "") + queue("b", "all", 60, ", lendingLimit: 4"), 6, ""},
		"what it lends itself, it can take": {queue("gpus", "all", 8, ", lendingLimit: 2") + queue("b", "all", 2, ""), 5, ""},
		"a cohort has some of its own":      {queue("gpus", "all", 8, "") + cohort("all", "", 4, ""), 6, ""},
		"cohorts lend to each other":        {queue("gpus", "a", 2, "") + cohort("a", "org", 0, "") + cohort("b", "org", 0, "") + queue("c", "b", 6, ""), 4, ""},
		"a cohort may borrow so much":       {queue("gpus", "a", 2, "") + cohort("a", "org", 0, ", borrowingLimit: 2") + cohort("b", "org", 0, "") + queue("c", "b", 60, ""), 2, ""},
		"a cohort lends so much":            {queue("gpus", "a", 2, "") + cohort("b", "a", 0, ", lendingLimit: 4") + queue("c", "b", 60, ""), 3, ""},
		"a parent that has no object":       {queue("gpus", "a", 2, "") + cohort("a", "org", 0, "") + queue("c", "org", 6, ""), 4, ""},
		"v1beta1's cohort":                  {strings.ReplaceAll(queue("gpus", "all", 8, "")+queue("b", "all", 6, ""), "cohortName", "cohort"), 7, ""},
		"no pod takes GPUs of two flavors":  {group + fmt.Sprintf(flavor, "a", "1Ti", 3) + "," + fmt.Sprintf(flavor, "b", "1Ti", 5) + "]}]}}", 3, "of nvidia.com/gpu"},
		"memory that is short":              {group + fmt.Sprintf(flavor, "a", "250Gi", 80) + "]}]}}", 2, "of memory"},
		"more than anybody has":             {queue("gpus", "all", 1<<62, "") + queue("b", "all", 1<<62, ""), 1<<62 - 1, ""},
		"a flavor that is for others":       {group + fmt.Sprintf(flavor, "a100", "1Ti", 8) + "," + fmt.Sprintf(flavor, "h100", "1Ti", 6) + "]}]}}\n---\n" + a100 + h100, 3, "of nvidia.com/gpu, flavor h100,"},
		"a taint that Kueue tolerates":      {queue("gpus", "", 8, "") + strings.ReplaceAll(h100, "spec: {", "spec: {tolerations: [{key: spot, operator: Exists}], nodeTaints: [{key: spot, effect: NoSchedule}], "), 4, "of nvidia.com/gpu"},
		"a taint that is a wish":            {queue("gpus", "", 8, "") + strings.ReplaceAll(h100, "spec: {", "spec: {nodeTaints: [{key: spot, effect: PreferNoSchedule}], "), 4, "of nvidia.com/gpu"},
		"a taint":                           {queue("gpus", "", 8, "") + strings.ReplaceAll(h100, "spec: {", "spec: {nodeTaints: [{key: spot, effect: NoSchedule}], "), 0, "ClusterQueue gpus has no flavor of nvidia.com/gpu for them: h100 has the taint spot:NoSchedule, which they do not tolerate"},
		"labels":                            {queue("gpus", "", 8, "") + strings.ReplaceAll(a100, "{name: a100}", "{name: h100}"), 0, "h100 has not the labels that they select"},
		"labels that no flavor has":         {queue("gpus", "", 8, "") + strings.ReplaceAll(h100, "accelerator: h100", "zone: a"), 4, ""},
		"a flavor of something else":        {strings.Replace(queue("gpus", "", 8, ""), "resourceGroups: [", "resourceGroups: [{coveredResources: [example.com/ram], flavors: [{name: a100, resources: [{name: example.com/ram, nominalQuota: 1}]}]}, ", 1) + a100 + h100, 4, ""},
		"no GPUs at all":                    {strings.ReplaceAll(queue("gpus", "", 8, ""), "nvidia.com/gpu", "memory"), 0, "ClusterQueue gpus has no quota of nvidia.com/gpu"},
		"no ClusterQueue":                   {queue("b", "", 8, ""), 0, "there is no ClusterQueue gpus, which LocalQueue q names"},
		"a cohort within itself":            {queue("gpus", "a", 8, "") + cohort("a", "b", 0, "") + cohort("b", "a", 0, ""), 0, "cohort a is a member of itself"},
		"stopped":                           {strings.Replace(queue("gpus", "", 8, ""), "spec: {", "spec: {stopPolicy: Hold, ", 1), 0, "its stopPolicy is Hold"},
		"not active": {strings.Replace(queue("gpus", "", 8, ""), "spec: {", "status: {conditions: [{type: Active, status: 'False', message: no flavor}]}, spec: {", 1), 0,
			"ClusterQueue gpus is not active: no flavor"},
	} {
		for _, version := range []string{"v1beta2", "v1beta1"} {
			t.Run(name+" "+version, func(t *testing.T) {
				t.Parallel()
				q, err := kueue.Read(t.Context(), cluster(t, version, local+row.objects), pod("q"))
				if err != nil || q == nil {
					t.Fatal(q, err)
				}
				if broken := row.most == 0; broken != (q.Broken != "") || broken && !strings.Contains(q.Broken, row.says) {
					t.Errorf("broken is %q, want %q", q.Broken, row.says)
				}
				if row.most > 0 && (q.Most != row.most || !strings.Contains(q.String(), row.says)) {
					t.Errorf("%s: %d, want %d of %s", q, q.Most, row.most, row.says)
				}
			})
		}
	}
}

func TestRead_IsSilentWithoutKueue(t *testing.T) {
	t.Parallel()
	if q, err := kueue.Read(t.Context(), cluster(t, "v1beta2", local+queue("gpus", "", 8, "")), pod("")); q != nil || err != nil {
		t.Errorf("of a pod in no queue: %v, %v", q, err)
	}
	if q, err := kueue.Read(t.Context(), cluster(t, "", ""), pod("q")); q != nil || err != nil {
		t.Errorf("of a cluster without Kueue: %v, %v", q, err)
	}
	if q, err := kueue.Read(t.Context(), cluster(t, "v1beta2", queue("gpus", "", 8, "")), pod("q")); err != nil || q == nil || q.Broken != "there is no LocalQueue q in namespace team-a" {
		t.Errorf("of a queue that is not there: %v, %v", q, err)
	}
}

// What pods ask of nodes closes flavors as Kueue has it: of labels that some flavor of the group has, each in its own term.
func TestRead_OfWhatPodsAskOfNodes(t *testing.T) {
	t.Parallel()
	objects := local + "{kind: ClusterQueue, metadata: {name: gpus}, spec: {resourceGroups: [{coveredResources: [nvidia.com/gpu], flavors: [" +
		"{name: a100, resources: [{name: nvidia.com/gpu, nominalQuota: 2}]}, {name: h100, resources: [{name: nvidia.com/gpu, nominalQuota: 4}]}]}]}}\n---\n" + a100 + h100
	for terms, want := range map[string]int64{
		"[]": 3,
		"[{matchExpressions: [{key: accelerator, operator: In, values: [h100, h200]}]}]":                                                         2,
		"[{matchExpressions: [{key: accelerator, operator: NotIn, values: [h100]}]}]":                                                            1,
		"[{matchExpressions: [{key: accelerator, operator: In, values: [h100]}, {key: zone, operator: In, values: [a]}]}]":                       2,
		"[{matchExpressions: [{key: accelerator, operator: In, values: [h100]}]}, {matchExpressions: [{key: zone, operator: In, values: [a]}]}]": 3,
		"[{matchExpressions: [{key: accelerator, operator: In, values: [h100]}]}, {matchExpressions: [{key: accelerator, operator: Exists}]}]":   3,
	} {
		p := pod("q")
		p.Spec.NodeSelector = nil
		p.Spec.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{}}}
		if err := yaml.Unmarshal([]byte(terms), &p.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms); err != nil {
			t.Fatal(err)
		}
		if q, err := kueue.Read(t.Context(), cluster(t, "v1beta2", objects), p); err != nil || q.Most != want {
			t.Errorf("%s: %+v, %v, want %d", terms, q, err, want)
		}
	}
}

// Who may not read flavors is told what can be told without them.
func TestRead_WithoutFlavors(t *testing.T) {
	t.Parallel()
	c := interceptor.NewClient(cluster(t, "v1beta2", local+queue("gpus", "", 8, "")+a100), interceptor.Funcs{
		List: func(ctx context.Context, c client.WithWatch, l client.ObjectList, opts ...client.ListOption) error {
			if kind := l.GetObjectKind().GroupVersionKind().Kind; kind == "ResourceFlavorList" {
				return apierrors.NewForbidden(schema.GroupResource{Resource: "resourceflavors"}, "", errors.New("not yours"))
			}
			return c.List(ctx, l, opts...)
		},
	})
	if q, err := kueue.Read(t.Context(), c, pod("q")); err != nil || q.Most != 4 || q.Flavors != "" {
		t.Errorf("it says %+v, %v", q, err)
	}
}
