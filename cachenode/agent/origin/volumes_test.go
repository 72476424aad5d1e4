// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package origin_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/agent/origin"
)

// A volume is read by the Models of the namespaces that whoever installed Hoist named, and to others it is not there.
func TestVolumes_AreForTheirNamespaces(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for namespaces, want := range map[string]error{"team-a": nil, "team-b+team-a": nil, "*": nil, "team-b": cachenode.ErrUnsupported, "team": cachenode.ErrUnsupported} {
		volumes := origin.Volumes{}
		if err := volumes.Set("claim=weights,path=" + dir + ",namespaces=" + namespaces); err != nil {
			t.Fatal(err)
		}
		sources := origin.Sources{Reader: fake.NewFakeClient(), Open: origin.Options{Volumes: volumes, Log: slog.New(slog.DiscardHandler)}.Open}
		m, err := sources.Resolve(t.Context(), model("v", func(s *v1alpha1.ModelSpec) { s.Source = "pvc://weights/" }))
		if cachenode.KindOf(err) != want || err == nil && len(m.Files) != 1 {
			t.Errorf("for %s: %+v, %v; want %v", namespaces, m, err, want)
		}
	}
}

func TestVolumes_RefuseWhatIsNoVolume(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "weights=/x", "claim=w,path=/x", "claim=w,path=x,namespaces=a", "claim=w,path=/x/../y,namespaces=a", "claim=,path=/x,namespaces=a", "claim=w,path=/x,namespaces=", "claim=w,path=/x,namespaces=a,more=b"} {
		if err := (origin.Volumes{}).Set(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
	twice := origin.Volumes{}
	if err := twice.Set("claim=w,path=/x,namespaces=a"); err != nil {
		t.Fatal(err)
	}
	if err := twice.Set("claim=w,path=/y,namespaces=a"); err == nil {
		t.Error("one claim has two paths")
	}
}
