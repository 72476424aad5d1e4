// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package prefetch

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/cachenode"
)

// source is an origin in memory: one file, whose content version makes the revision.
type source struct {
	version string
	err     error
	looks   int
}

func (s *source) Resolve(context.Context, *v1alpha1.Model) (cachenode.Manifest, error) {
	s.looks++
	if s.err != nil {
		return cachenode.Manifest{}, s.err
	}
	return cachenode.NewManifest(cachenode.Origin{Scheme: "s3", Bucket: "models", Prefix: "tiny/"}, []cachenode.File{
		{Path: "config.json", Size: 10, Source: cachenode.Identity{ETag: "config"}},
		{Path: "model.safetensors", Size: 1 << 20, Source: cachenode.Identity{ETag: s.version}},
	})
}

// studio is a Model reconciler on a cluster in memory, with a clock.
type studio struct {
	client.Client
	t      *testing.T
	source *source
	now    time.Time
	again  time.Duration // what the last pass asked for
}

func newStudio(t *testing.T, objects ...client.Object) *studio {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{rbacv1.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	c := fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).WithStatusSubresource(&v1alpha1.Model{}).Build()
	return &studio{Client: c, t: t, source: &source{version: "one"}, now: epoch}
}

func tinyModel(change func(*v1alpha1.Model)) *v1alpha1.Model {
	m := &v1alpha1.Model{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "tiny", UID: "tiny-1", Generation: 1}, Spec: v1alpha1.ModelSpec{Source: "s3://models/tiny/"}}
	if change != nil {
		change(m)
	}
	return m
}

// pass reconciles the Model tiny, later than the last time, and gives what it is then.
func (s *studio) pass(later time.Duration) *v1alpha1.Model {
	s.t.Helper()
	s.now = s.now.Add(later)
	m := tinyModel(nil)
	r := ModelReconciler{Client: s, Resolver: s.source, AgentAccount: client.ObjectKey{Namespace: "hoist-system", Name: "hoist-agent"}, Now: func() time.Time { return s.now }}
	result, err := r.Reconcile(s.t.Context(), ctrl.Request{NamespacedName: client.ObjectKeyFromObject(m)})
	if err != nil {
		s.t.Fatal(err)
	}
	s.again = result.RequeueAfter
	if err := s.Get(s.t.Context(), client.ObjectKeyFromObject(m), m); err != nil {
		s.t.Fatal(err)
	}
	return m
}

func (s *studio) change(change func(*v1alpha1.ModelSpec)) {
	s.t.Helper()
	m := tinyModel(nil)
	if err := s.Get(s.t.Context(), client.ObjectKeyFromObject(m), m); err != nil {
		s.t.Fatal(err)
	}
	change(&m.Spec)
	m.Generation++
	if err := s.Update(s.t.Context(), m); err != nil {
		s.t.Fatal(err)
	}
}

func is(t *testing.T, m *v1alpha1.Model, kind string, status metav1.ConditionStatus, reason string) {
	t.Helper()
	c := meta.FindStatusCondition(m.Status.Conditions, kind)
	if c == nil || c.Status != status || c.Reason != reason || c.ObservedGeneration != m.Generation || c.Message == "" {
		t.Errorf("condition %s is %+v, want %s, %s of generation %d, with a message", kind, c, status, reason, m.Generation)
	}
}

func TestModel_IsPinnedOnceAndLookedAtOnItsInterval(t *testing.T) {
	t.Parallel()
	s := newStudio(t, tinyModel(nil))
	m := s.pass(0)
	if m.Status.Revision == "" || m.Status.Files != 2 || m.Status.Bytes != 1<<20+10 || m.Status.WeightBytes != 1<<20 || m.Status.Size != "1.0Mi" {
		t.Errorf("status %+v", m.Status)
	}
	is(t, m, v1alpha1.ResolvedCondition, metav1.ConditionTrue, v1alpha1.PinnedReason)
	is(t, m, v1alpha1.ReadyCondition, metav1.ConditionTrue, v1alpha1.PinnedReason)
	is(t, m, v1alpha1.SourceDriftedCondition, metav1.ConditionFalse, v1alpha1.InSyncReason)
	if s.again < 9*time.Minute || s.again > 10*time.Minute {
		t.Errorf("it looks again in %v, want 10 minutes, less up to a tenth", s.again)
	}
	if s.pass(9 * time.Minute); s.source.looks != 1 {
		t.Errorf("%d looks within the interval, want 1", s.source.looks)
	}
	if s.pass(time.Minute); s.source.looks != 2 {
		t.Errorf("%d looks after the interval, want 2", s.source.looks)
	}
}

func TestModel_ChangesAtItsSource(t *testing.T) {
	t.Parallel()
	s := newStudio(t, tinyModel(nil))
	first := s.pass(0).Status.Revision
	s.source.version = "two"
	held := s.pass(10 * time.Minute)
	if held.Status.Revision != first || held.Status.LatestRevision == first {
		t.Errorf("a Model that holds has revision %s, latest %s; pinned was %s", held.Status.Revision, held.Status.LatestRevision, first)
	}
	is(t, held, v1alpha1.SourceDriftedCondition, metav1.ConditionTrue, v1alpha1.DriftedReason)
	is(t, held, v1alpha1.ReadyCondition, metav1.ConditionTrue, v1alpha1.PinnedReason)

	s.change(func(spec *v1alpha1.ModelSpec) { spec.AllowedNamespaces = []string{"b"} }) // does not touch what there is
	if m := s.pass(0); m.Status.Revision != first {
		t.Error("a grant moved the pin")
	}
	s.change(func(spec *v1alpha1.ModelSpec) { spec.Updates.Policy = v1alpha1.FollowRevision })
	followed := s.pass(0)
	if followed.Status.Revision == first || followed.Status.Revision != followed.Status.LatestRevision {
		t.Errorf("a Model that follows has revision %s, latest %s", followed.Status.Revision, followed.Status.LatestRevision)
	}
	is(t, followed, v1alpha1.SourceDriftedCondition, metav1.ConditionFalse, v1alpha1.InSyncReason)

	s.source.version = "three"
	s.change(func(spec *v1alpha1.ModelSpec) {
		spec.Updates.Policy, spec.Files = v1alpha1.HoldRevision, &v1alpha1.FileSelection{Exclude: []string{"*.md"}}
	})
	if m := s.pass(0); m.Status.Revision == followed.Status.Revision {
		t.Error("another choice of files did not pin anew")
	}
}

func TestModel_SaysWhyItsSourceCannotBeRead(t *testing.T) {
	t.Parallel()
	for reason, err := range map[string]error{
		v1alpha1.SourceNotFoundReason:    cachenode.ErrNotFound,
		v1alpha1.SourceDeniedReason:      cachenode.ErrExpired,
		v1alpha1.SourceInvalidReason:     cachenode.ErrInvalid,
		v1alpha1.SourceUnsupportedReason: cachenode.ErrUnsupported,
		v1alpha1.UnsafeReason:            cachenode.ErrUnsafe,
		v1alpha1.SourceUnavailableReason: errors.New("connection refused"),
		v1alpha1.SecretMissingReason:     missing{},
	} {
		s := newStudio(t, tinyModel(nil))
		s.source.err = err
		m := s.pass(0)
		is(t, m, v1alpha1.ResolvedCondition, metav1.ConditionFalse, reason)
		is(t, m, v1alpha1.ReadyCondition, metav1.ConditionFalse, v1alpha1.NotResolvedReason)
		if s.again > 30*time.Second {
			t.Errorf("%s: it looks again in %v", reason, s.again)
		}
		s.source.err = nil
		is(t, s.pass(time.Second), v1alpha1.ReadyCondition, metav1.ConditionTrue, v1alpha1.PinnedReason)
		s.source.err = err // what is pinned can be mounted all the same
		broken := s.pass(10 * time.Minute)
		is(t, broken, v1alpha1.ResolvedCondition, metav1.ConditionFalse, reason)
		if broken.Status.Revision == "" || !meta.IsStatusConditionTrue(broken.Status.Conditions, v1alpha1.ReadyCondition) {
			t.Errorf("%s: a failure took the pin away: %+v", reason, broken.Status)
		}
	}
}

type missing struct{}

func (missing) Error() string       { return "there is no Secret a/keys" }
func (missing) SecretMissing() bool { return true }

func TestModel_OpensItsOneSecretToTheAgents(t *testing.T) {
	t.Parallel()
	key := client.ObjectKey{Namespace: "a", Name: "hoist-agent-tiny"}
	s := newStudio(t, tinyModel(func(m *v1alpha1.Model) { m.Spec.Credentials = &v1alpha1.Credentials{SecretName: "keys"} }))
	s.pass(0)
	var role rbacv1.Role
	var binding rbacv1.RoleBinding
	if err := errors.Join(s.Get(t.Context(), key, &role), s.Get(t.Context(), key, &binding)); err != nil {
		t.Fatal(err)
	}
	if len(role.Rules) != 1 || strings.Join(role.Rules[0].ResourceNames, ",") != "keys" || strings.Join(role.Rules[0].Verbs, ",") != "get" || strings.Join(role.Rules[0].Resources, ",") != "secrets" {
		t.Errorf("the Role says %+v", role.Rules)
	}
	if binding.RoleRef.Name != key.Name || len(binding.Subjects) != 1 || binding.Subjects[0].Namespace != "hoist-system" || binding.Subjects[0].Name != "hoist-agent" {
		t.Errorf("the RoleBinding says %+v", binding)
	}
	s.change(func(spec *v1alpha1.ModelSpec) { spec.Credentials.SecretName = "others" })
	s.pass(0)
	if err := s.Get(t.Context(), key, &role); err != nil || role.Rules[0].ResourceNames[0] != "others" {
		t.Errorf("the Role says %+v after another Secret was named, %v", role.Rules, err)
	}
	s.change(func(spec *v1alpha1.ModelSpec) { spec.Credentials = nil })
	s.pass(0)
	for _, object := range []client.Object{&role, &binding} {
		if err := s.Get(t.Context(), key, object); client.IgnoreNotFound(err) != nil || err == nil {
			t.Errorf("%T is still there: %v", object, err)
		}
	}
}

func TestModel_LeavesARoleOfOthersAlone(t *testing.T) {
	t.Parallel()
	foreign := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "hoist-agent-tiny", UID: "theirs"}, Rules: []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"list"}}}}
	s := newStudio(t, foreign, tinyModel(func(m *v1alpha1.Model) { m.Spec.Credentials = &v1alpha1.Credentials{SecretName: "keys"} }))
	is(t, s.pass(0), v1alpha1.ResolvedCondition, metav1.ConditionFalse, v1alpha1.SourceDeniedReason)
	s.change(func(spec *v1alpha1.ModelSpec) { spec.Credentials = nil })
	is(t, s.pass(0), v1alpha1.ResolvedCondition, metav1.ConditionTrue, v1alpha1.PinnedReason)
	if err := s.Get(t.Context(), client.ObjectKeyFromObject(foreign), foreign); err != nil || foreign.Rules[0].Resources[0] != "pods" {
		t.Errorf("it is %+v, %v", foreign.Rules, err)
	}
}
