// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package csi

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	spec "github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	registration "k8s.io/kubelet/pkg/apis/pluginregistration/v1"
)

// serving is a driver that a kubelet can find.
type serving struct {
	*rig
	o   KubeletOptions
	log *logged
	end func() error
}

// logged is what was logged, for concurrent use.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func serveKubelet(t *testing.T) *serving {
	t.Helper()
	folder := t.TempDir()
	s := &serving{rig: newRig(t, folder), log: &logged{}, o: KubeletOptions{
		Socket: filepath.Join(folder, "plugins", "csi.sock"), RegistrySocket: filepath.Join(folder, "registry", "reg.sock"),
	}}
	if err := os.Mkdir(filepath.Dir(s.o.RegistrySocket), 0o750); err != nil {
		t.Fatal(err)
	}
	s.driver.Close()
	s.options.Log = slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s.serve(t)
	t.Cleanup(func() { _ = s.end() })
	return s
}

func (s *serving) serve(t *testing.T) {
	t.Helper()
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	s.o.Driver = s.driver
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- ServeKubelet(ctx, s.o) }()
	s.end = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
}

// register does what the kubelet does when it sees a socket in its registry.
func (s *serving) register(t *testing.T, refuse string) spec.NodeClient {
	t.Helper()
	client := registration.NewRegistrationClient(dial(t, s.o.RegistrySocket))
	info, err := client.GetInfo(t.Context(), &registration.InfoRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if info.GetType() != "CSIPlugin" || info.GetName() != DriverName || info.GetEndpoint() != s.o.Socket || len(info.GetSupportedVersions()) != 1 || info.GetSupportedVersions()[0] != "1.0.0" {
		t.Fatalf("registers as %v", info)
	}
	kubelet := spec.NewNodeClient(dial(t, info.GetEndpoint()))
	node, err := kubelet.NodeGetInfo(t.Context(), &spec.NodeGetInfoRequest{})
	if err != nil || node.GetNodeId() != "node-1" {
		t.Fatalf("node %v, %v", node, err)
	}
	if _, err := client.NotifyRegistrationStatus(t.Context(), &registration.RegistrationStatus{PluginRegistered: refuse == "", Error: refuse}); err != nil {
		t.Fatal(err)
	}
	return kubelet
}

func TestServeKubelet_Registers(t *testing.T) {
	t.Parallel()
	s := serveKubelet(t)
	kubelet := s.register(t, "")
	for _, path := range []string{s.o.Socket, s.o.RegistrySocket} {
		if info, err := os.Lstat(path); err != nil || info.Mode() != os.ModeSocket|0o600 {
			t.Errorf("%s is %v, %v", path, info.Mode(), err)
		}
	}
	can, err := kubelet.NodeGetCapabilities(t.Context(), &spec.NodeGetCapabilitiesRequest{})
	if err != nil || len(can.GetCapabilities()) > 0 {
		t.Errorf("capabilities %v, %v", can, err)
	}
	_, err = kubelet.NodeStageVolume(t.Context(), &spec.NodeStageVolumeRequest{})
	wantCode(t, err, codes.Unimplemented)
	me := spec.NewIdentityClient(dial(t, s.o.Socket))
	if got, err := me.GetPluginInfo(t.Context(), &spec.GetPluginInfoRequest{}); err != nil || got.GetName() != DriverName || got.GetVendorVersion() != "v0" {
		t.Errorf("plugin %v, %v", got, err)
	}
	if got, err := me.Probe(t.Context(), &spec.ProbeRequest{}); err != nil || !got.GetReady().GetValue() {
		t.Errorf("probe %v, %v", got, err)
	}
	if got, err := me.GetPluginCapabilities(t.Context(), &spec.GetPluginCapabilitiesRequest{}); err != nil || len(got.GetCapabilities()) > 0 {
		t.Errorf("capabilities %v, %v", got, err)
	}
	if err := s.end(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{s.o.Socket, s.o.RegistrySocket} {
		if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is left: %v", path, err)
		}
	}
	if !strings.Contains(s.log.String(), "registered with the kubelet") {
		t.Errorf("not logged: %s", s.log)
	}
}

func TestServeKubelet_RefusalSaysWhatToDo(t *testing.T) {
	t.Parallel()
	s := serveKubelet(t)
	s.register(t, "no such luck")
	for _, want := range []string{"level=ERROR", "no such luck", "--root-dir", "CSINode"} {
		if !strings.Contains(s.log.String(), want) {
			t.Errorf("the log does not say %q: %s", want, s.log)
		}
	}
}

func TestServeKubelet_RestartKeepsMountsAndReplacesSockets(t *testing.T) {
	t.Parallel()
	s := serveKubelet(t)
	kubelet := s.register(t, "")
	ask := s.request(t, "web-0", "llama")
	if _, err := kubelet.NodePublishVolume(t.Context(), ask); err != nil {
		t.Fatal(err)
	}
	if err := s.end(); err != nil {
		t.Fatal(err)
	}
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: s.o.RegistrySocket})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	_ = stale.Close()
	s.serve(t)
	kubelet = s.register(t, "")
	s.holds(t, 1)
	if _, err := kubelet.NodeUnpublishVolume(t.Context(), unrequest(ask)); err != nil {
		t.Fatal(err)
	}
	s.holds(t, 0)
}

func TestServeKubelet_StopEndsCallsThatWait(t *testing.T) {
	t.Parallel()
	s := serveKubelet(t)
	waiting := make(chan struct{})
	s.world.acquire = func(ctx context.Context, _ Claim) error {
		close(waiting)
		<-ctx.Done()
		return ctx.Err()
	}
	kubelet := s.register(t, "")
	answer := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		_, err := kubelet.NodePublishVolume(ctx, s.request(t, "web-0", "llama"))
		answer <- err
	}()
	<-waiting
	if err := s.end(); err != nil {
		t.Fatal(err)
	}
	wantCode(t, <-answer, codes.Unavailable)
}

func TestServeKubelet_StopBeforeTheStartIsNoFailure(t *testing.T) {
	t.Parallel()
	s := serveKubelet(t)
	for range 50 {
		if err := s.end(); err != nil {
			t.Fatal(err)
		}
		s.serve(t)
	}
	if err := s.end(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{s.o.Socket, s.o.RegistrySocket} {
		if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is left: %v", path, err)
		}
	}
}

func TestServeKubelet_LeavesTheNextAgentsSocketAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	old, err := listen(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	next, err := listen(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	_ = old.Close()
	if _, err := os.Lstat(path); err != nil {
		t.Fatal(err)
	}
	_ = next.Close()
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
}

func TestServeKubelet_NoRegistryOrNoSocketIsSaid(t *testing.T) {
	t.Parallel()
	for _, prepare := range []func(s *serving) error{
		func(s *serving) error { return os.Remove(filepath.Dir(s.o.RegistrySocket)) },
		func(s *serving) error { return os.WriteFile(s.o.RegistrySocket, []byte("precious"), 0o600) },
	} {
		s := serveKubelet(t)
		s.register(t, "")
		if err := errors.Join(s.end(), prepare(s)); err != nil {
			t.Fatal(err)
		}
		if err := s.start(); err != nil {
			t.Fatal(err)
		}
		s.o.Driver = s.driver
		if err := ServeKubelet(t.Context(), s.o); err == nil || !strings.Contains(err.Error(), s.o.RegistrySocket) {
			t.Errorf("got %v", err)
		}
	}
}

func TestServeKubelet_CallsAreLoggedAndSeenWithoutTheirSecrets(t *testing.T) {
	t.Parallel()
	s := serveKubelet(t)
	if err := s.end(); err != nil {
		t.Fatal(err)
	}
	var calls []Call
	s.options.Observe = func(c Call) {
		if c.Took < 0 {
			t.Errorf("took %v", c.Took)
		}
		calls = append(calls, Call{Method: c.Method, Code: c.Code})
	}
	s.serve(t)
	kubelet := s.register(t, "")
	for _, model := range []string{"llama", "NOT-A-NAME"} {
		ask := s.request(t, "web-0", model)
		ask.Secrets = map[string]string{"key": "canary-1"}
		ask.VolumeContext[kubeletPrefix+"serviceAccount.tokens"] = "canary-2"
		_, _ = kubelet.NodePublishVolume(t.Context(), ask)
	}
	if err := s.end(); err != nil {
		t.Fatal(err)
	}
	text := s.log.String()
	if strings.Contains(text, "canary") || strings.Count(text, "method=NodePublishVolume") != 2 || strings.Count(text, "level=WARN") != 1 {
		t.Errorf("logged: %s", text)
	}
	want := []Call{
		{Method: "GetInfo", Code: "OK"}, {Method: "NodeGetInfo", Code: "OK"}, {Method: "NotifyRegistrationStatus", Code: "OK"},
		{Method: "NodePublishVolume", Code: "OK"}, {Method: "NodePublishVolume", Code: "InvalidArgument"},
	}
	if !slices.Equal(calls, want) {
		t.Errorf("seen: %v, want %v", calls, want)
	}
}
