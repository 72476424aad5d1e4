// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package csi

import (
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"testing"

	spec "github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

// rig is a driver in a world, in folders of its own.
type rig struct {
	world   *world
	options Options
	driver  *Driver
}

// failer is a testing.TB or a rapid.T.
type failer interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func newRig(t failer, folder string) *rig {
	t.Helper()
	r := &rig{world: newWorld()}
	r.options = Options{
		NodeID: "node-1", Version: "v0", Records: filepath.Join(folder, "records"), PodsRoot: filepath.Join(folder, "pods"),
		Log: slog.New(slog.DiscardHandler), hook: r.world.step,
	}
	if err := os.MkdirAll(r.options.PodsRoot, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := r.start(); err != nil {
		t.Fatal(err)
	}
	return r
}

// started is a rig that the test closes.
func started(t *testing.T) *rig {
	t.Helper()
	r := newRig(t, t.TempDir())
	t.Cleanup(func() { r.driver.Close() })
	return r
}

// start is a new process.
func (r *rig) start() (err error) {
	p := r.world.restart()
	r.options.Models, r.options.Mounter = p, p
	r.driver, err = New(r.options)
	return err
}

func (r *rig) restart(t failer) {
	t.Helper()
	r.driver.Close()
	if err := r.start(); err != nil {
		t.Fatal(err)
	}
}

// target is where the kubelet wants the volume of that name; it has made the parent.
func (r *rig) target(t failer, pod, volume string) string {
	t.Helper()
	parent := filepath.Join(r.options.PodsRoot, "uid-"+pod, "volumes", "kubernetes.io~csi", volume)
	if err := os.MkdirAll(parent, 0o750); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(parent, "mount")
}

// request is what the kubelet sends for the one volume of a pod.
func (r *rig) request(t failer, pod, model string) *spec.NodePublishVolumeRequest {
	t.Helper()
	return &spec.NodePublishVolumeRequest{
		VolumeId: "csi-" + pod, TargetPath: r.target(t, pod, "weights"), VolumeCapability: mountCapability(),
		VolumeContext: attributes(pod, model),
	}
}

func unrequest(p *spec.NodePublishVolumeRequest) *spec.NodeUnpublishVolumeRequest {
	return &spec.NodeUnpublishVolumeRequest{VolumeId: p.GetVolumeId(), TargetPath: p.GetTargetPath()}
}

func mountCapability() *spec.VolumeCapability {
	return &spec.VolumeCapability{
		AccessType: &spec.VolumeCapability_Mount{Mount: &spec.VolumeCapability_MountVolume{}},
		AccessMode: &spec.VolumeCapability_AccessMode{Mode: spec.VolumeCapability_AccessMode_SINGLE_NODE_WRITER},
	}
}

func attributes(pod, model string) map[string]string {
	return map[string]string{
		ephemeral: "true", podName: pod, podNamespace: "team-a", podUID: "uid-" + pod, serviceAccount: "default",
		attrModel: model,
	}
}

// client talks to the driver over a unix socket, as the kubelet does.
func (r *rig) client(t *testing.T) *grpc.ClientConn {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer(grpc.UnaryInterceptor(r.driver.Intercept))
	r.driver.Register(s)
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return dial(t, path)
}

func dial(t *testing.T, path string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient("unix://"+path, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(grpc.WaitForReady(true)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// wantCode fails unless err has that code, and returns its message.
func wantCode(t *testing.T, err error, want codes.Code) string {
	t.Helper()
	if got := status.Code(err); got != want {
		t.Fatalf("got %v (%v), want %v", got, err, want)
	}
	return status.Convert(err).Message()
}

// holds fails unless that many volumes are mounted, leased, recorded and listed.
func (r *rig) holds(t failer, want int) {
	t.Helper()
	mounts, leases := r.world.snapshot()
	files, err := os.ReadDir(r.options.Records)
	if err != nil {
		t.Fatal(err)
	}
	if listed := len(r.driver.Published()); len(mounts) != want || len(leases) != want || len(files) != want || listed != want {
		t.Fatalf("%d mounts, %d leases, %d records, %d listed; want %d of each", len(mounts), len(leases), len(files), listed, want)
	}
	for volume, n := range leases {
		if n != 1 {
			t.Fatalf("volume %s has %d leases", volume, n)
		}
	}
}
