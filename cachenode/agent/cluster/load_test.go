// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/cachenode/csi"
)

// lazy is a claim of a pod whose server, on loopback, loads when it is asked.
func lazy(t *testing.T, answer http.HandlerFunc) csi.Claim {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	_, text, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return csi.Claim{Pod: csi.PodRef{Namespace: "team-a", Name: "web-0", UID: podUID},
		Gate: csi.Gate{Waits: true, Load: csi.Load{Server: "Ollama", Port: port, Model: "tiny:1b"}}}
}

// A pod is asked once its address is known, at one time only, and no more often than it has to be.
func TestLoads_AskThePod(t *testing.T) {
	t.Parallel()
	var asked []string
	claim := lazy(t, func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked = append(asked, r.Method+" "+r.URL.Path+" "+string(body))
	})
	l := newLoads()
	want := func() {
		t.Helper()
		if err := l.want(t.Context(), claim); err != nil {
			t.Fatal(err)
		}
		l.asking.Wait()
	}
	if want(); len(asked) != 0 || !l.lacksAddress(claim) {
		t.Fatalf("it asked %q before it knew where", asked)
	}
	l.located(podUID, "127.0.0.1", false)
	want()
	want()
	if len(asked) != 1 || asked[0] != `POST /api/generate {"keep_alive":-1,"model":"tiny:1b"}` {
		t.Fatalf("it asked %q", asked)
	}
	l.pods[podUID].asked = time.Now().Add(-loadAgain)
	if want(); len(asked) != 2 {
		t.Fatalf("it asked %d times: the weights are still not there", len(asked))
	}
	if l.forget(func(string) bool { return true }); len(l.pods) != 0 {
		t.Error("it remembers a pod that is gone")
	}
}

// What a pod answers is passed on, but not what could draw on a terminal, nor much of it; and no pod sends the agent elsewhere.
func TestLoads_PassOnWhyNot(t *testing.T) {
	t.Parallel()
	followed := false
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed = true }))
	t.Cleanup(elsewhere.Close)
	for want, answer := range map[string]http.HandlerFunc{
		`Ollama does not load tiny:1b: 404 Not Found:  [2Jmodel not found`: func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, "\x1b[2Jmodel not found"+strings.Repeat(" ", 1<<20))
		},
		`Ollama does not load tiny:1b: 307 Temporary Redirect: `: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		},
	} {
		claim, l := lazy(t, answer), newLoads()
		l.located(podUID, "127.0.0.1", false)
		_ = l.want(t.Context(), claim)
		l.asking.Wait()
		err := l.want(t.Context(), claim)
		if err == nil || !strings.HasPrefix(err.Error(), want) || len(err.Error()) > 400 {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if followed {
		t.Error("a pod sent the agent elsewhere")
	}
}

// On the network of its node a pod is not asked, and is told so.
func TestGates_DoNotAskTheNode(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newGatehouse(t, func(c *csi.Claim) { c.Gate.Load = csi.Load{Server: "Ollama", Port: 1, Model: "tiny:1b"} })
		var pod corev1.Pod
		if err := h.Client.Get(t.Context(), client.ObjectKey{Namespace: "team-a", Name: "web-0"}, &pod); err != nil {
			t.Fatal(err)
		}
		pod.Spec.HostNetwork, pod.Status.PodIP = true, "127.0.0.1"
		if err := h.Client.Update(t.Context(), &pod); err != nil {
			t.Fatal(err)
		}
		h.run(t, func() {
			if c, _ := h.after(t, 15*time.Second); !strings.Contains(c.Message, "network of its node") || h.loads.pods[podUID].address != "" {
				t.Errorf("it says %+v", c)
			}
		})
	})
}
