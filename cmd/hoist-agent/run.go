// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/agent"
	"github.com/hoist-dev/hoist/cachenode/agent/cluster"
	"github.com/hoist-dev/hoist/cachenode/agent/origin"
	"github.com/hoist-dev/hoist/cachenode/csi"
	"github.com/hoist-dev/hoist/cachenode/disk"
	"github.com/hoist-dev/hoist/cachenode/fetch"
	"github.com/hoist-dev/hoist/cachenode/formats"
	"github.com/hoist-dev/hoist/cachenode/gpu"
	runtimeimages "github.com/hoist-dev/hoist/cachenode/images"
)

const (
	drainFor = 20 * time.Second     // the most a clean end may take; Kubernetes kills after 30 s
	patience = 365 * 24 * time.Hour // with an API server that does not answer: what is on the disk is served without it
)

func run(ctx context.Context, o options, log *slog.Logger) (err error) {
	ctrl.SetLogger(logr.FromSlogHandler(log.Handler()))
	size, err := o.sizes()
	if err != nil {
		return err
	}
	store, err := disk.Open(o.root, disk.Options{ //nolint:contextcheck // it lives until Close
		MaxBytes: size.maxBytes, MinFree: o.minFreePercent / 100, Logger: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	metrics := agent.NewMetrics(buildVersion())
	scheduler, err := fetch.New(fetch.Config{Buffers: size.buffers, MaxConnections: o.maxConnections, Bandwidth: size.bandwidth,
		Peers: cachenode.NoPeers{}, Observer: metrics, Logger: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, scheduler.Close()) }()
	node := agent.NewNode(agent.Options{
		Store: store, Scheduler: scheduler, Metrics: metrics, Log: log, Version: buildVersion(), KeepNames: true, ReadAhead: o.readAhead,
		Scrub:     agent.ScrubConfig{Every: agent.Duration(o.scrubEvery), Rate: agent.Bytes(size.scrubRate)},
		Inspector: func(s cachenode.Selection) cachenode.Inspector { return formats.Inspector{AllowPickle: s.AllowPickle} },
	})
	defer node.Close()
	metrics.Watch(node)
	return serve(ctx, o, node, log)
}

// serve joins the node to the cluster until ctx ends, then drains.
func serve(ctx context.Context, o options, node *agent.Node, log *slog.Logger) (err error) {
	mgr, err := newManager(o.nodeName)
	if err != nil {
		return err
	}
	sources := &origin.Sources{Reader: mgr.GetAPIReader(), Open: origin.Options{MaxConnections: o.maxConnections, Volumes: o.volumes, Log: log}.Open}
	counts := new(cluster.Counts)
	images, end, err := openImages(o.criSocket, log)
	if err != nil {
		return err
	}
	defer end()
	assignments, err := gpu.OpenAssignments(filepath.Join(o.kubeletRoot, "pod-resources", "kubelet.sock"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, assignments.Close()) }()
	gates := &cluster.Gates{Reader: o.gpuReader(), Assigned: assignments.Pods, Proc: "/proc", Observe: node.Metrics.GPU, Client: mgr.GetClient(), Log: log}
	reporter := &cluster.Reporter{GPUs: gates.GPUs, NodeName: o.nodeName, Node: node, Client: mgr.GetClient(), Direct: mgr.GetAPIReader(),
		Counts: counts, Images: images, Log: log}
	reconciler := &cluster.Reconciler{NodeName: o.nodeName, Node: node, Client: mgr.GetClient(), Sources: sources, Reporter: reporter, Images: images, Log: log}
	if err := errors.Join(mgr.Add(reporter), mgr.Add(images), reconciler.Setup(mgr)); err != nil {
		return err
	}
	mounts := &cluster.Mounts{Node: node, Reader: mgr.GetClient(), Sources: sources, Events: mgr.GetEventRecorder("hoist-agent"), Counts: counts}
	driver, err := csi.New(csi.Options{
		Models: mounts, Mounted: mounts.Mounted,
		NodeID: o.nodeName, Version: buildVersion(), Records: filepath.Join(filepath.Dir(o.root), "mounts"),
		PodsRoot: filepath.Join(o.kubeletRoot, "pods"), Log: log, Mounter: csi.BindMounter{},
		Observe: func(c csi.Call) {
			if c.Method == "NodePublishVolume" {
				node.Metrics.Mounted(c.Code, c.Took)
			}
		},
	})
	if err != nil {
		return err
	}
	gates.Published = driver.Published
	if err := mgr.Add(gates); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return mgr.Start(ctx) })
	group.Go(func() error {
		return csi.ServeKubelet(ctx, csi.KubeletOptions{Driver: driver,
			Socket:         filepath.Join(o.kubeletRoot, "plugins", csi.DriverName, "csi.sock"),
			RegistrySocket: filepath.Join(o.kubeletRoot, "plugins_registry", csi.DriverName+"-reg.sock")})
	})
	group.Go(func() error { return serveHTTP(ctx, o.listen, node, log) })
	group.Go(func() error {
		<-ctx.Done()
		log.Info("draining")
		node.Drain()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainFor/4)
		defer cancel()
		return reporter.Drained(ctx)
	})
	return group.Wait()
}

// newManager watches the node's own CacheNode, and Models.
func newManager(nodeName string) (ctrl.Manager, error) {
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return nil, err
	}
	rest, err := ctrl.GetConfig()
	if err != nil {
		return nil, fmt.Errorf("find the cluster: %w", err)
	}
	return ctrl.NewManager(rest, ctrl.Options{
		Scheme:         scheme,
		Metrics:        server.Options{BindAddress: "0"}, // the node serves its own
		LeaderElection: false,
		Controller:     config.Controller{CacheSyncTimeout: patience},
		Cache: cache.Options{ByObject: map[client.Object]cache.ByObject{
			&v1alpha1.CacheNode{}: {Field: fields.OneTermEqualSelector("metadata.name", nodeName)},
		}},
	})
}

// openImages is the node's container runtime, if the agent was given its socket.
func openImages(socket string, log *slog.Logger) (images *cluster.Images, end func(), err error) {
	if socket == "" {
		return cluster.NewImages(nil, log), func() {}, nil
	}
	service, err := runtimeimages.Open(socket)
	if err != nil {
		return nil, nil, err
	}
	return cluster.NewImages(service, log), func() { _ = service.Close() }, nil
}

func serveHTTP(ctx context.Context, address string, node *agent.Node, log *slog.Logger) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("serve status and metrics: %w; choose another address with --listen", err)
	}
	server := agent.NewServer(node.Handler())
	context.AfterFunc(ctx, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainFor/2)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			log.Warn("HTTP not ended cleanly", "err", err)
		}
	})
	log.Info("serving", "address", listener.Addr().String())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
