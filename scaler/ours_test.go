// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package scaler

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/scaler/queue"
	"github.com/hoist-dev/hoist/scaler/scaledobject"
)

// The controller says who it is to its own Prometheus and to nobody else; a Secret that comes late is found, and until then nothing is known.
func TestLine_LeadsToOurPrometheusAlone(t *testing.T) {
	t.Parallel()
	var said []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		said = append(said, r.Header.Get("Authorization")+" of "+r.Header.Get("X-Scope-OrgID"))
		_, _ = w.Write([]byte(`{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"7"]}]}}`))
	}))
	t.Cleanup(server.Close)
	folder := t.TempDir()
	l := &line{ours: Ours{Address: server.URL, Identity: queue.Identity{Folder: folder, Headers: map[string]string{"X-Scope-OrgID": "a"}}}}
	if s, err := l.dial(server.URL); err == nil {
		t.Errorf("without a token: %v", s)
	}
	if err := os.WriteFile(filepath.Join(folder, "token"), []byte("T0ken"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{"http://elsewhere:9090", server.URL + "/", ""} {
		if _, err := l.dial(address); !errors.Is(err, errForeign) {
			t.Errorf("to %q: %v", address, err)
		}
	}
	first, err := l.dial(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := l.dial(server.URL); err != nil || again != first {
		t.Errorf("each time it is another connection: %v", err)
	}
	if v, err := first.Now(t.Context(), "q", time.Now()); err != nil || v != 7 || strings.Join(said, ",") != "Bearer T0ken of a" {
		t.Errorf("%v, %v, it was told %q", v, err, said)
	}
}

// KEDA is who the chart says at the controller's Prometheus, whom a policy names if it does, and nobody anywhere else.
func TestSettle_SaysWhoAsksWhere(t *testing.T) {
	t.Parallel()
	known := scaledobject.Identity{Kind: "ClusterTriggerAuthentication", Name: "prometheus", Modes: "bearer", Headers: map[string]string{"X-Scope-OrgID": "a"}}
	for name, row := range map[string]struct {
		says             *v1alpha1.Prometheus
		ref, modes, head string
	}{
		"nothing":          {nil, "ClusterTriggerAuthentication prometheus", "bearer", "X-Scope-OrgID=a"},
		"our address":      {&v1alpha1.Prometheus{Address: "http://prometheus:9090"}, "ClusterTriggerAuthentication prometheus", "bearer", "X-Scope-OrgID=a"},
		"its own identity": {&v1alpha1.Prometheus{Address: "http://prometheus:9090", Authentication: "mine", AuthModes: "basic"}, " mine", "basic", "X-Scope-OrgID=a"},
		"its own address":  {&v1alpha1.Prometheus{Address: "http://evil:9090"}, "", "", ""},
		"its own of both":  {&v1alpha1.Prometheus{Address: "http://mine:9090", Authentication: "mine", AuthModes: "tls"}, " mine", "tls", ""},
	} {
		p, f := scene()
		p.Spec.Prometheus, f.KEDA = row.says, known
		settled, err := Settle(p, f)
		if err != nil {
			t.Fatal(err)
		}
		made, err := scaledobject.Make(settled.Input)
		if err != nil {
			t.Fatal(err)
		}
		trigger, ref := made.Spec.Triggers[0], ""
		if a := trigger.AuthenticationRef; a != nil {
			ref = a.Kind + " " + a.Name
		}
		if ref != row.ref || trigger.Metadata["authModes"] != row.modes || trigger.Metadata["customHeaders"] != row.head {
			t.Errorf("%s: %q, %v", name, ref, trigger.Metadata)
		}
	}
}
