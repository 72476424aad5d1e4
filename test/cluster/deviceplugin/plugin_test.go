// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package deviceplugin

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	api "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
)

// kubelet is the part of one that plugins register with.
type kubelet struct {
	api.UnimplementedRegistrationServer
	registered chan *api.RegisterRequest
}

func (k *kubelet) Register(_ context.Context, request *api.RegisterRequest) (*api.Empty, error) {
	k.registered <- request
	return &api.Empty{}, nil
}

// startKubelet listens in folder; like a real one, it removes what plugins have left there.
func startKubelet(t *testing.T, folder string) (k *kubelet, stop func()) {
	t.Helper()
	_ = os.Remove(filepath.Join(folder, socketName))
	listener, err := net.Listen("unix", filepath.Join(folder, "kubelet.sock"))
	if err != nil {
		t.Fatal(err)
	}
	k = &kubelet{registered: make(chan *api.RegisterRequest, 1)}
	server := grpc.NewServer()
	api.RegisterRegistrationServer(server, k)
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	return k, func() { server.Stop(); <-done }
}

func TestRun_AdvertisesAndAllocatesAlsoToAKubeletThatStartsAgain(t *testing.T) {
	t.Parallel()
	folder, err := os.MkdirTemp("", "plugin") //nolint:usetesting // a socket's address is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- Run(ctx, Config{
			UUIDs: []string{"GPU-1", "GPU-2"}, Folder: folder,
			Mounts: map[string]string{"/inside": "/outside"}, Env: map[string]string{"A": "b"},
		})
	}()
	for range 2 {
		useOnce(t, folder)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// useOnce is the life of one kubelet.
func useOnce(t *testing.T, folder string) {
	t.Helper()
	k, stop := startKubelet(t, folder)
	defer stop()
	request := <-k.registered
	if request.ResourceName != "nvidia.com/gpu" || request.Version != "v1beta1" {
		t.Fatalf("registered %v", request)
	}
	conn, err := grpc.NewClient("unix://"+filepath.Join(folder, request.Endpoint), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() // and with it ends the stream: the kubelet is gone
	client := api.NewDevicePluginClient(conn)
	stream, err := client.ListAndWatch(t.Context(), &api.Empty{})
	if err != nil {
		t.Fatal(err)
	}
	list, err := stream.Recv()
	if err != nil || len(list.Devices) != 2 || list.Devices[1].ID != "GPU-2" || list.Devices[1].Health != api.Healthy {
		t.Fatalf("devices %v, %v", list, err)
	}
	response, err := client.Allocate(t.Context(), &api.AllocateRequest{
		ContainerRequests: []*api.ContainerAllocateRequest{{DevicesIds: []string{"GPU-2", "GPU-1"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := response.ContainerResponses[0]
	if want := map[string]string{"NVIDIA_VISIBLE_DEVICES": "GPU-2,GPU-1", "A": "b"}; !cmp.Equal(got.Envs, want) {
		t.Errorf("environment %v, want %v", got.Envs, want)
	}
	if m := got.Mounts; len(m) != 1 || m[0].ContainerPath != "/inside" || m[0].HostPath != "/outside" || !m[0].ReadOnly {
		t.Errorf("mounts %v", m)
	}
}
