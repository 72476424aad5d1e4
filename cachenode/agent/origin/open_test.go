// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package origin_test

import (
	"log/slog"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/agent/origin"
	"github.com/hoist-dev/hoist/test/hubtest"
)

// Every scheme opens without a request; what is not there is one kind of failure that says what there is.
func TestOptions_OpenEveryKind(t *testing.T) {
	t.Parallel()
	local := origin.Options{Local: true, Log: slog.New(slog.DiscardHandler)}
	for _, scheme := range origin.Schemes() {
		if source, err := local.Open(t.Context(), origin.Access{Scheme: scheme, Anonymous: true}); err != nil || source == nil {
			t.Errorf("%s: %v", scheme, err)
		}
	}
	node := origin.Options{Log: slog.New(slog.DiscardHandler)}
	for scheme, says := range map[string]string{"ftp": "hf", "": "hf", "file": "pvc://"} {
		_, err := node.Open(t.Context(), origin.Access{Scheme: scheme})
		if cachenode.KindOf(err) != cachenode.ErrUnsupported || !strings.Contains(err.Error(), says) {
			t.Errorf("%q on a node: %v; want ErrUnsupported with %q", scheme, err, says)
		}
	}
}

// A Model's token reaches the hub that the Model names, by the one way that credentials have.
func TestSources_AHubWithAToken(t *testing.T) {
	t.Parallel()
	hub := hubtest.New()
	t.Cleanup(hub.Close)
	hub.Put("o/r", "config.json", hubtest.Bytes([]byte("{}")), false)
	hub.RequireToken(canary)
	keys := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "keys"}, Data: map[string][]byte{"HF_TOKEN": []byte(canary), "other": []byte("x")}}
	sources := origin.Sources{Reader: fake.NewClientBuilder().WithObjects(keys, secretNamed("aws")).Build(), Open: origin.Options{Log: slog.New(slog.DiscardHandler)}.Open}
	private := func(secret string) *v1alpha1.Model {
		return model("q", func(s *v1alpha1.ModelSpec) {
			s.Source, s.HF = "hf://o/r", &v1alpha1.HubOptions{Endpoint: hub.URL()}
			if secret != "" {
				s.Credentials = &v1alpha1.Credentials{SecretName: secret}
			}
		})
	}
	m, err := sources.Resolve(t.Context(), private("keys"))
	if err != nil || len(m.Files) != 1 || len(m.Origin.Commit) != 40 {
		t.Errorf("%+v, %v", m, err)
	}
	if _, err := sources.Resolve(t.Context(), private("")); cachenode.KindOf(err) != cachenode.ErrNotFound {
		t.Errorf("without a Secret: %v", err)
	}
	if _, err := sources.Resolve(t.Context(), private("aws")); err == nil || !strings.Contains(err.Error(), "lacks HF_TOKEN") {
		t.Errorf("with the keys of another kind of source: %v", err)
	}
}

func secretNamed(name string) *corev1.Secret {
	s := secret("id")
	s.Name = name
	return s
}
