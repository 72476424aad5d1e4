// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package deviceplugin advertises simulated GPUs to a kubelet as nvidia.com/gpu, as NVIDIA's device plugin does real ones.
//
// It speaks the device plugin API v1beta1. A kubelet that starts again forgets its plugins and removes their sockets; the plugin
// sees another socket in the place of the kubelet's, and begins anew.
package deviceplugin

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	api "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
)

// Resource is what pods ask for.
const Resource = "nvidia.com/gpu"

// Config says what is advertised, and what a container gets that asks for it.
type Config struct {
	UUIDs  []string
	Folder string // the kubelet's folder for plugins; api.DevicePluginPath when empty
	// Mounts are files and folders of the node that the container sees, read-only, by their path in it.
	Mounts map[string]string
	// Env are variables of the container, beside NVIDIA_VISIBLE_DEVICES.
	Env map[string]string
}

const (
	socketName = "hoist-fake-gpu.sock"
	retryEvery = 100 * time.Millisecond
)

// Run advertises the devices until ctx ends.
func Run(ctx context.Context, config Config) error {
	if config.Folder == "" {
		config.Folder = api.DevicePluginPath
	}
	for ctx.Err() == nil {
		if err := config.session(ctx); err != nil {
			return fmt.Errorf("device plugin: %w", err)
		}
	}
	return nil
}

// session is the life with one kubelet: it ends with nil when another one listens, or none.
func (c Config) session(ctx context.Context) error {
	kubelet, err := c.awaitKubelet(ctx)
	if err != nil {
		return nil // ctx ended before one came
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var watch sync.WaitGroup
	defer watch.Wait()
	watch.Go(func() { c.untilAnother(ctx, kubelet); stop() })

	socket := filepath.Join(c.Folder, socketName)
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "unix", socket)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	api.RegisterDevicePluginServer(server, &plugin{config: c})
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	if err = c.register(ctx); err == nil {
		<-ctx.Done()
	}
	stop()
	server.Stop()
	return errors.Join(err, <-served)
}

// register tells the kubelet of the plugin, and waits for it to listen.
func (c Config) register(ctx context.Context) error {
	conn, err := grpc.NewClient("unix://"+c.kubeletSocket(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	request := &api.RegisterRequest{Version: api.Version, Endpoint: socketName, ResourceName: Resource}
	_, err = api.NewRegistrationClient(conn).Register(ctx, request, grpc.WaitForReady(true))
	if ctx.Err() != nil {
		return nil // told to end, or the kubelet has gone
	}
	return err
}

func (c Config) kubeletSocket() string { return filepath.Join(c.Folder, "kubelet.sock") }

// awaitKubelet waits for a kubelet's socket.
func (c Config) awaitKubelet(ctx context.Context) (os.FileInfo, error) {
	retry := time.NewTicker(retryEvery)
	defer retry.Stop()
	for {
		if socket, err := os.Stat(c.kubeletSocket()); err == nil {
			return socket, nil
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-retry.C:
		}
	}
}

// untilAnother returns when the kubelet's socket is not that one any more. The kernel may give a new file the number of one that
// was removed, but not the time.
func (c Config) untilAnother(ctx context.Context, kubelet os.FileInfo) {
	look := time.NewTicker(retryEvery)
	defer look.Stop()
	for {
		socket, err := os.Stat(c.kubeletSocket())
		if err != nil || !os.SameFile(socket, kubelet) || !socket.ModTime().Equal(kubelet.ModTime()) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
	}
}

// plugin answers one kubelet.
type plugin struct {
	api.UnimplementedDevicePluginServer
	config Config
}

func (p *plugin) GetDevicePluginOptions(context.Context, *api.Empty) (*api.DevicePluginOptions, error) {
	return &api.DevicePluginOptions{}, nil
}

// ListAndWatch says once which devices there are: simulated ones do not break.
func (p *plugin) ListAndWatch(_ *api.Empty, stream api.DevicePlugin_ListAndWatchServer) error {
	list := &api.ListAndWatchResponse{}
	for _, uuid := range p.config.UUIDs {
		list.Devices = append(list.Devices, &api.Device{ID: uuid, Health: api.Healthy})
	}
	if err := stream.Send(list); err != nil {
		return err
	}
	<-stream.Context().Done()
	return nil
}

// Allocate says how a container sees the devices that it was given.
func (p *plugin) Allocate(_ context.Context, request *api.AllocateRequest) (*api.AllocateResponse, error) {
	response := &api.AllocateResponse{}
	for _, container := range request.ContainerRequests {
		envs := map[string]string{"NVIDIA_VISIBLE_DEVICES": strings.Join(container.DevicesIds, ",")}
		maps.Copy(envs, p.config.Env)
		allocation := &api.ContainerAllocateResponse{Envs: envs}
		for inside, outside := range p.config.Mounts {
			allocation.Mounts = append(allocation.Mounts, &api.Mount{ContainerPath: inside, HostPath: outside, ReadOnly: true})
		}
		response.ContainerResponses = append(response.ContainerResponses, allocation)
	}
	return response, nil
}
