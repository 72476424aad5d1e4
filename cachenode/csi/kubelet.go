// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package csi

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"time"

	"google.golang.org/grpc"
	registration "k8s.io/kubelet/pkg/apis/pluginregistration/v1"
)

// Where the kubelet looks, unless its --root-dir is another.
const (
	DefaultSocket         = "/var/lib/kubelet/plugins/" + DriverName + "/csi.sock"
	DefaultRegistrySocket = "/var/lib/kubelet/plugins_registry/" + DriverName + "-reg.sock"
	DefaultPodsRoot       = "/var/lib/kubelet/pods"
)

// KubeletOptions are how a driver meets the kubelet. Empty sockets are the default ones.
type KubeletOptions struct {
	Driver         *Driver
	Socket         string // the path must be the same for the kubelet and for us
	RegistrySocket string
}

// patience is how long a stop waits for calls that do not end when they are canceled.
const patience = 10 * time.Second

// ServeKubelet serves the driver and has the kubelet register it, until ctx ends. Then
// it closes the driver. Mounts stay.
func ServeKubelet(ctx context.Context, o KubeletOptions) error {
	if o.Socket == "" {
		o.Socket = DefaultSocket
	}
	if o.RegistrySocket == "" {
		o.RegistrySocket = DefaultRegistrySocket
	}
	defer o.Driver.Close()
	if err := os.MkdirAll(filepath.Dir(o.Socket), 0o750); err != nil {
		return socketFault(o.Socket, err, "")
	}
	plugin, err := listen(ctx, o.Socket)
	if err != nil {
		return err
	}
	// Last: the kubelet calls the driver as soon as it sees this one.
	registry, err := listen(ctx, o.RegistrySocket)
	if err != nil {
		_ = plugin.Close()
		return err
	}
	intercept := grpc.UnaryInterceptor(o.Driver.Intercept)
	driver, register := grpc.NewServer(intercept), grpc.NewServer(intercept)
	o.Driver.Register(driver)
	registration.RegisterRegistrationServer(register, registrar{endpoint: o.Socket, log: o.Driver.log})
	return serve(ctx, func() {
		stop(register) // the kubelet sees that we go, and sends no more
		o.Driver.Close()
		stop(driver)
	}, func() error { return driver.Serve(plugin) }, func() error { return register.Serve(registry) })
}

// serve runs both until one fails or ctx ends, and then stops both.
func serve(ctx context.Context, stop func(), servers ...func() error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	failed := make([]error, len(servers))
	for i, run := range servers {
		wg.Go(func() {
			if err := run(); !errors.Is(err, grpc.ErrServerStopped) { // it was stopped before it had begun
				failed[i] = err
			}
			cancel()
		})
	}
	<-ctx.Done()
	stop()
	wg.Wait()
	return errors.Join(failed...)
}

// stop lets calls end, but not for ever.
func stop(s *grpc.Server) {
	hard := time.AfterFunc(patience, s.Stop)
	defer hard.Stop()
	s.GracefulStop()
}
