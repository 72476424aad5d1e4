// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/hoist-dev/hoist/cachenode/agent/origin"
	"github.com/hoist-dev/hoist/cachenode/gpu"
)

// options are what the command line says.
type options struct {
	nodeName       string
	root           string
	kubeletRoot    string
	listen         string
	criSocket      string
	gpus           bool
	nvmlLibrary    string
	maxBytes       string
	minFreePercent float64
	buffers        string
	maxConnections int
	volumes        origin.Volumes
	bandwidth      string
	readAhead      bool
	scrubEvery     time.Duration
	scrubRate      string
	logLevel       string
}

func newCommand() *cobra.Command {
	o := options{volumes: origin.Volumes{}}
	cmd := &cobra.Command{
		Use:   "hoist-agent",
		Short: "Keep models on this node, and give them to its pods",
		Long: `Keep models on this node, and give them to its pods.

The agent works towards the CacheNode that has the node's name, reports what the node holds, and serves the CSI driver
csi.hoist.dev to the kubelet. It is made to run in the DaemonSet of the chart: as root, with the kubelet's folder mounted.

SIGTERM ends downloads (what is verified stays) and the process within 25 s; a second one at once. Pods that have a model
mounted keep it, whatever happens to the agent.`,
		Version:       buildVersion(),
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.nodeName == "" {
				return errors.New("--node-name is empty: set it, or NODE_NAME, to spec.nodeName")
			}
			var level slog.Level
			if err := level.UnmarshalText([]byte(o.logLevel)); err != nil {
				return fmt.Errorf("--log-level %q: want debug, info, warn or error", o.logLevel)
			}
			return run(cmd.Context(), o, slog.New(slog.NewJSONHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: level})))
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.nodeName, "node-name", os.Getenv("NODE_NAME"), "name of the node")
	flags.StringVar(&o.root, "root", "/var/lib/hoist/cache", "folder of the cache, on the node's fastest disk")
	flags.StringVar(&o.kubeletRoot, "kubelet-root", "/var/lib/kubelet", "the kubelet's folder")
	flags.StringVar(&o.listen, "listen", ":9470", "address of /status, /metrics, /healthz and /readyz")
	flags.BoolVar(&o.gpus, "gpus", true, "ask the NVIDIA driver which pod holds how much memory; the agent must see the host's processes")
	flags.StringVar(&o.nvmlLibrary, "nvml-library", "", "path of libnvidia-ml.so.1; empty is where the loader finds it")
	flags.StringVar(&o.criSocket, "cri-socket", "", "socket of the container runtime, to pull images along; empty pulls none")
	flags.StringVar(&o.maxBytes, "max-bytes", "0", "most that the cache may take of the disk, such as 500Gi; 0 is what --min-free-percent leaves")
	flags.Float64Var(&o.minFreePercent, "min-free-percent", 15, "part of the disk to leave free")
	flags.StringVar(&o.buffers, "buffers", "256Mi", "memory for downloads")
	flags.IntVar(&o.maxConnections, "max-connections", 0, "most connections to origins; 0 is as many as the buffers allow")
	flags.Var(o.volumes, "volume", "a volume for pvc:// sources, as claim=CLAIM,path=/PATH,namespaces=NAMESPACE+NAMESPACE; may be given again")
	flags.StringVar(&o.bandwidth, "bandwidth", "0", "most bytes a second to download, such as 1Gi; 0 is no cap")
	flags.BoolVar(&o.readAhead, "read-ahead", true, "read what a pod mounts into the page cache while it starts, where memory is free")
	flags.DurationVar(&o.scrubEvery, "scrub-every", 24*time.Hour, "how long after a search for bit rot the next begins; 0 never")
	flags.StringVar(&o.scrubRate, "scrub-rate", "20Mi", "bytes a second that the search reads")
	flags.StringVar(&o.logLevel, "log-level", "info", "debug, info, warn or error")
	return cmd
}

// sizes are the quantities of the command line in bytes.
type sizes struct{ maxBytes, buffers, bandwidth, scrubRate int64 }

func (o options) sizes() (s sizes, err error) {
	for _, f := range []struct {
		name, text string
		into       *int64
	}{
		{"max-bytes", o.maxBytes, &s.maxBytes},
		{"buffers", o.buffers, &s.buffers},
		{"bandwidth", o.bandwidth, &s.bandwidth},
		{"scrub-rate", o.scrubRate, &s.scrubRate},
	} {
		q, err := resource.ParseQuantity(f.text)
		if err != nil || q.Sign() < 0 {
			return s, fmt.Errorf("--%s %q: want a quantity such as 256Mi", f.name, f.text)
		}
		*f.into = q.Value()
	}
	return s, nil
}

// gpuReader asks the driver, unless it must not.
func (o *options) gpuReader() gpu.Reader {
	if !o.gpus {
		return gpu.None("the agent was told not to ask for GPUs")
	}
	return gpu.Open(o.nvmlLibrary)
}
