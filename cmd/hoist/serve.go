// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/agent"
	"github.com/hoist-dev/hoist/cachenode/agent/origin"
	"github.com/hoist-dev/hoist/cachenode/disk"
	"github.com/hoist-dev/hoist/cachenode/formats"
)

// drainFor is the most a clean end may take; Kubernetes kills after 30 s.
const drainFor = 25 * time.Second

func newServe() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "serve --config FILE",
		Short: "Keep the listed models present on this node",
		Long: `Keep the listed models present on this node, without Kubernetes.

  # hoist.yaml
  root: /var/lib/hoist            # the cache; names/<name> links to the current revision
  listen: 127.0.0.1:9470          # /status, /metrics, /healthz, /readyz
  models:
    - name: llama3-8b
      source: s3://models/llama3-8b/
      refresh: 10m                # follow changes at the origin; left out: never
      priority: bulk              # bulk, forecast, starting-pod
  cache: {maxBytes: 500GiB, minFreePercent: 15}
  fetch: {buffers: 256MiB, bandwidth: 1GiB}
  s3:    {endpoint: "http://minio:9000"}
  scrub: {every: 24h, rate: 20MiB}

SIGHUP reads the file again; root, listen, cache, fetch, s3 and scrub need a restart to change.
SIGTERM ends downloads (what is verified stays), and the process within 25 s; a second one at once.

` + exitHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := serveLogger(cmd)
			if err != nil {
				return err
			}
			return serve(cmd.Context(), path, log)
		},
	}
	cmd.Flags().StringVarP(&path, "config", "c", "", "the configuration file (YAML)")
	_ = cmd.MarkFlagRequired("config")
	return cmd
}

// serveLogger logs at info unless told otherwise: a daemon's log is its story.
func serveLogger(cmd *cobra.Command) (*slog.Logger, error) {
	if !cmd.Flags().Changed("log-level") {
		if err := cmd.Flags().Set("log-level", "info"); err != nil {
			return nil, err
		}
	}
	return logger(cmd)
}

func serve(ctx context.Context, path string, log *slog.Logger) (err error) {
	config, wants, err := agent.LoadConfig(path)
	if err != nil {
		return err
	}
	store, err := disk.Open(config.Root, disk.Options{ //nolint:contextcheck // it lives until Close
		MaxBytes: int64(config.Cache.MaxBytes), MinFree: config.Cache.MinFreePercent / 100, Logger: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	metrics := agent.NewMetrics(buildVersion())
	scheduler, err := newScheduler(config.Fetch, metrics, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, scheduler.Close()) }()
	sources, err := openSources(ctx, config, log)
	if err != nil {
		return err
	}
	node := agent.NewNode(agent.Options{
		Store: store, Scheduler: scheduler, Sources: sources, Metrics: metrics, Log: log,
		Version: buildVersion(), Scrub: config.Scrub,
		Inspector: func(s cachenode.Selection) cachenode.Inspector { return formats.Inspector{AllowPickle: s.AllowPickle} },
	})
	defer node.Close()
	metrics.Watch(node)
	node.Keep(wants)
	return listen(ctx, config, path, node, log)
}

// openSources makes a source of every kind, with the environment's credentials. None makes a request before it is used.
func openSources(ctx context.Context, config agent.Config, log *slog.Logger) (map[string]cachenode.Source, error) {
	options := origin.Options{MaxConnections: config.Fetch.MaxConnections, Profile: config.S3.Profile, Local: true, Log: log}
	sources := map[string]cachenode.Source{}
	for _, scheme := range origin.Schemes() {
		access := origin.Access{Scheme: scheme}
		if scheme == "s3" {
			access.Endpoint, access.Region, access.Anonymous = config.S3.Endpoint, config.S3.Region, config.S3.Anonymous
		}
		source, err := options.Open(ctx, access)
		if err != nil {
			return nil, err
		}
		sources[scheme] = source
	}
	return sources, nil
}

// listen serves HTTP until ctx ends, then drains.
func listen(ctx context.Context, config agent.Config, path string, node *agent.Node, log *slog.Logger) error {
	group, ctx := errgroup.WithContext(ctx)
	servers := map[*http.Server]net.Listener{}
	control, err := listenControl(ctx, filepath.Join(config.Root, agent.ControlSocket))
	if err != nil {
		return err
	}
	servers[agent.NewServer(agent.Control(node.Cache()))] = control
	if config.Listen != "none" {
		status, err := new(net.ListenConfig).Listen(ctx, "tcp", config.Listen)
		if err != nil {
			return &cachenode.Error{Kind: cachenode.ErrInvalid, Op: "listen on", Subject: config.Listen, Err: err, Hint: "set listen in " + path}
		}
		servers[agent.NewServer(node.Handler())] = status
		log.Info("serving", "address", status.Addr().String(), "root", config.Root)
	}
	for server, listener := range servers {
		group.Go(func() error {
			if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		})
	}
	group.Go(func() error { reloadOnHangup(ctx, path, node, log); return nil })
	group.Go(func() error {
		<-ctx.Done()
		log.Info("draining")
		node.Drain()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainFor/2)
		defer cancel()
		var err error
		for server := range servers {
			err = errors.Join(err, server.Shutdown(ctx))
		}
		return err
	})
	return group.Wait()
}

// listenControl opens the control socket. The store's lock is held, so a socket
// that is there already is a dead process's.
func listenControl(ctx context.Context, path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	if err != nil {
		return nil, &cachenode.Error{Kind: cachenode.ErrInvalid, Op: "listen on", Subject: path, Err: err,
			Hint: "a socket's path has at most 107 bytes: use a shorter root"}
	}
	return listener, os.Chmod(path, 0o600)
}

// reloadOnHangup reads the configuration again at every SIGHUP. A file that is
// wrong changes nothing.
func reloadOnHangup(ctx context.Context, path string, node *agent.Node, log *slog.Logger) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
			_, wants, err := agent.LoadConfig(path)
			if err != nil {
				log.Error("configuration not reloaded", "err", err)
				continue
			}
			node.Keep(wants)
			log.Info("configuration reloaded", "models", len(wants))
		}
	}
}
