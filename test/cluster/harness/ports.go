// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"errors"
	"net"
)

// ports are where the hub listens.
type ports struct {
	API, EtcdClient, EtcdPeer, ControllerManager, Scheduler, Prometheus, Discovery, S3 int
}

// fixedPorts are for a hub with a network of its own.
var fixedPorts = ports{API: 6443, EtcdClient: 2379, EtcdPeer: 2380, ControllerManager: 10257, Scheduler: 10259, Prometheus: 9090, Discovery: 9091, S3: 9000}

// freePorts are for a hub that shares the computer's loopback interface.
func freePorts(ctx context.Context) (ports, error) {
	var p ports
	var config net.ListenConfig
	var listeners []net.Listener
	defer func() {
		for _, l := range listeners {
			l.Close()
		}
	}()
	// All are held until the last is found, so that no two are the same.
	for _, port := range []*int{&p.API, &p.EtcdClient, &p.EtcdPeer, &p.ControllerManager, &p.Scheduler, &p.Prometheus, &p.Discovery, &p.S3} {
		listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return ports{}, err
		}
		listeners = append(listeners, listener)
		address, ok := listener.Addr().(*net.TCPAddr)
		if !ok {
			return ports{}, errors.New("a TCP listener without a port")
		}
		*port = address.Port
	}
	return p, nil
}
