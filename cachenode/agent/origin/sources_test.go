// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package origin_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/agent/origin"
	"github.com/hoist-dev/hoist/cachenode/cachetest"
)

const canary = "canary-5f1c3a"

func secret(key string) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "keys"},
		Data: map[string][]byte{"AWS_ACCESS_KEY_ID": []byte(key), "AWS_SECRET_ACCESS_KEY": []byte(canary), "AWS_SESSION_TOKEN": []byte(canary)}}
}

func model(name string, change func(*v1alpha1.ModelSpec)) *v1alpha1.Model {
	m := &v1alpha1.Model{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: name}, Spec: v1alpha1.ModelSpec{Source: "s3://" + cachetest.Bucket + "/llama/"}}
	if change != nil {
		change(&m.Spec)
	}
	return m
}

func withKeys(s *v1alpha1.ModelSpec) { s.Credentials = &v1alpha1.Credentials{SecretName: "keys"} }

// desk makes sources, and remembers what each was made with.
type desk struct {
	origin.Sources
	api    client.Client
	opened []origin.Access
}

func newDesk(funcs interceptor.Funcs, objects ...client.Object) *desk {
	d := &desk{api: fake.NewClientBuilder().WithObjects(objects...).WithInterceptorFuncs(funcs).Build()}
	d.Reader = d.api
	d.Open = func(_ context.Context, a origin.Access) (cachenode.Source, error) {
		d.opened = append(d.opened, a)
		return cachetest.NewSource(map[string][]byte{"llama/config.json": []byte("{}")}), nil
	}
	return d
}

func (d *desk) source(t *testing.T, m *v1alpha1.Model) cachenode.Source {
	t.Helper()
	s, err := d.For(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSources_EachModelHasItsOwnAccess(t *testing.T) {
	t.Parallel()
	d := newDesk(interceptor.Funcs{}, secret("first"))
	identity := d.source(t, model("a", nil))
	keys := d.source(t, model("b", withKeys))
	elsewhere := d.source(t, model("c", func(s *v1alpha1.ModelSpec) { s.S3 = &v1alpha1.S3Options{Endpoint: "https://minio", Region: "eu"} }))
	if identity == keys || keys == elsewhere || identity == elsewhere {
		t.Error("Models with different access share a source")
	}
	want := []origin.Access{{Scheme: "s3"}, {Scheme: "s3", Secret: map[string]string{"AWS_ACCESS_KEY_ID": "first", "AWS_SECRET_ACCESS_KEY": canary, "AWS_SESSION_TOKEN": canary}},
		{Scheme: "s3", Endpoint: "https://minio", Region: "eu"}}
	if diff := cmp.Diff(want, d.opened); diff != "" {
		t.Errorf("sources are opened with (-want +got):\n%s", diff)
	}
	if d.source(t, model("a", nil)) != identity || d.source(t, model("b", withKeys)) != keys || len(d.opened) != 3 {
		t.Errorf("what did not change was opened again: %d sources", len(d.opened))
	}
}

func TestSources_ARotatedSecretGivesANewSource(t *testing.T) {
	t.Parallel()
	d := newDesk(interceptor.Funcs{}, secret("first"))
	old := d.source(t, model("b", withKeys))
	if err := d.api.Update(t.Context(), secret("second")); err != nil {
		t.Fatal(err)
	}
	if d.source(t, model("b", withKeys)) == old || d.opened[1].Secret["AWS_ACCESS_KEY_ID"] != "second" {
		t.Error("it still has the first keys")
	}
	d.Forget(client.ObjectKey{Namespace: "team-a", Name: "b"})
	if d.source(t, model("b", withKeys)); len(d.opened) != 3 {
		t.Error("a forgotten Model's source is still held")
	}
}

// C5: an API server that is away takes no source from those who have one. What it says of the Secret counts, and a Model that says something else now has none yet.
func TestSources_ASecretThatCannotBeReadForNowChangesNothing(t *testing.T) {
	t.Parallel()
	var answer error
	d := newDesk(interceptor.Funcs{Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
		if answer != nil {
			return answer
		}
		return c.Get(ctx, key, o, opts...)
	}}, secret("first"))
	m := model("b", withKeys)
	before := d.source(t, m)
	answer = apierrors.NewServiceUnavailable("etcd has no leader")
	if d.source(t, m) != before {
		t.Error("it has another source")
	}
	m.Generation++
	if _, err := d.For(t.Context(), m); !errors.Is(err, cachenode.ErrUnavailable) {
		t.Errorf("what the Model said before is used: %v", err)
	}
	m.Generation--
	for _, answer = range []error{apierrors.NewNotFound(corev1.Resource("secrets"), "keys"), apierrors.NewForbidden(corev1.Resource("secrets"), "keys", nil)} {
		if _, err := d.For(t.Context(), m); !errors.Is(err, cachenode.ErrDenied) {
			t.Errorf("after %v: %v", answer, err)
		}
	}
}

// J5: whatever goes wrong, and however an Access is printed, no secret is in it.
func TestSources_SecretsAreNeverSaid(t *testing.T) {
	t.Parallel()
	a := origin.Access{Endpoint: "https://minio", Secret: map[string]string{"AWS_SECRET_ACCESS_KEY": canary}}
	if text := fmt.Sprintf("%v %+v %#v %s", a, a, a, &a); strings.Contains(text, canary) {
		t.Errorf("printed it is %s", text)
	}
	lacking := secret("")
	unreachable := interceptor.Funcs{Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
		return errors.New("connection refused")
	}}
	for what, d := range map[string]*desk{"missing": newDesk(interceptor.Funcs{}), "lacks a key": newDesk(interceptor.Funcs{}, lacking), "unreachable": newDesk(unreachable)} {
		_, err := d.For(t.Context(), model("b", withKeys))
		if err == nil || !strings.Contains(err.Error(), "team-a/keys") || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v", what, err)
		}
		var missing interface{ SecretMissing() bool }
		if got := errors.As(err, &missing) && missing.SecretMissing(); got != (what != "unreachable") {
			t.Errorf("%s: a missing Secret is %v", what, got)
		}
		if kind := map[bool]error{true: cachenode.ErrUnavailable, false: cachenode.ErrDenied}[what == "unreachable"]; !errors.Is(err, kind) {
			t.Errorf("%s: %v is not %v", what, err, kind)
		}
	}
}

func TestSources_Resolve(t *testing.T) {
	t.Parallel()
	d := newDesk(interceptor.Funcs{})
	m, err := d.Resolve(t.Context(), model("a", nil))
	if err != nil || len(m.Files) != 1 || m.Files[0].Path != "config.json" {
		t.Errorf("%+v, %v", m, err)
	}
	for _, bad := range []func(*v1alpha1.ModelSpec){
		func(s *v1alpha1.ModelSpec) { s.Source = "llama" },
		func(s *v1alpha1.ModelSpec) { s.Files = &v1alpha1.FileSelection{Exclude: []string{"[a-"}} },
	} {
		if _, err := d.Resolve(t.Context(), model("a", bad)); !errors.Is(err, cachenode.ErrInvalid) {
			t.Errorf("%v", err)
		}
	}
	if len(d.opened) != 1 {
		t.Error("a source was opened for what can't be read")
	}
}
