// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/cachenode/agent/origin"
	"github.com/hoist-dev/hoist/prefetch"
	"github.com/hoist-dev/hoist/scaler"
	"github.com/hoist-dev/hoist/webhook"
)

// options are what the command line says.
type options struct {
	listen       string
	namespace    string
	agentAccount string
	logLevel     string
	scale        bool
	prometheus   prometheusOptions
	room         scaler.Room
	volumes      origin.Volumes
	webhook      webhookOptions
}

func newCommand() *cobra.Command {
	o := options{volumes: origin.Volumes{}}
	cmd := &cobra.Command{
		Use:   "hoist-controller",
		Short: "Resolve Models, and plan which node holds which",
		Long: `Resolve Models, and plan which node holds which.

The controller reads the source of each Model once and pins its revision, looks again on a schedule, and writes into every
CacheNode what that node shall hold. It keeps a ScaledObject of KEDA's for each ScalePolicy. With --webhook-service it also gives pods the model that their annotations ask for. It is made to run in the Deployment of the chart; one of its replicas leads.`,
		Version:       buildVersion(),
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var level slog.Level
			if err := level.UnmarshalText([]byte(o.logLevel)); err != nil {
				return fmt.Errorf("--log-level %q: want debug, info, warn or error", o.logLevel)
			}
			return run(cmd.Context(), &o, slog.New(slog.NewJSONHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: level})))
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.listen, "listen", ":9471", "address of /metrics and /healthz")
	flags.StringVar(&o.namespace, "namespace", os.Getenv("POD_NAMESPACE"), "namespace of the lease that the leader holds")
	flags.StringVar(&o.agentAccount, "agent-account", "hoist-system/hoist-agent", "service account of the agents, as NAMESPACE/NAME")
	flags.BoolVar(&o.scale, "scale", false, "keep the ScaledObjects of ScalePolicies, which needs KEDA")
	o.prometheus.addFlags(flags)
	flags.BoolVar(&o.room.May.Buffers, "capacity-buffers", false, "let ScalePolicies that ask for it keep room on nodes with CapacityBuffers")
	flags.StringVar(&o.room.Made.Namespace, "placeholders-namespace", "", "namespace of the placeholders that ScalePolicies may keep room on nodes with; empty makes none")
	flags.StringVar(&o.room.Made.Image, "placeholders-image", "registry.k8s.io/pause:3.10.1", "image of placeholders, which does nothing")
	flags.StringVar(&o.room.Made.PriorityClass, "placeholders-priority-class", "hoist-placeholder", "PriorityClass of placeholders, of negative priority")
	flags.Var(o.volumes, "volume", "a volume for pvc:// sources, as claim=CLAIM,path=/PATH,namespaces=NAMESPACE+NAMESPACE; may be given again")
	o.webhook.addFlags(flags)
	flags.StringVar(&o.logLevel, "log-level", "info", "debug, info, warn or error")
	return cmd
}

func run(ctx context.Context, o *options, log *slog.Logger) error {
	ctrl.SetLogger(logr.FromSlogHandler(log.Handler()))
	namespace, name, ok := strings.Cut(o.agentAccount, "/")
	if !ok {
		return fmt.Errorf("--agent-account %q: want NAMESPACE/NAME", o.agentAccount)
	}
	mgr, err := newManager(o)
	if err != nil {
		return err
	}
	sources := &origin.Sources{Reader: mgr.GetAPIReader(), Open: origin.Options{Volumes: o.volumes, Log: log}.Open}
	models := &prefetch.ModelReconciler{Client: mgr.GetClient(), Resolver: sources, Now: time.Now, AgentAccount: client.ObjectKey{Namespace: namespace, Name: name}}
	planner := &prefetch.Planner{Client: mgr.GetClient(), Now: time.Now}
	if err := errors.Join(models.Setup(mgr), planner.Setup(mgr)); err != nil {
		return err
	}
	if o.scale {
		o.room.May.Placeholders = o.room.Made.Namespace != ""
		ours, err := o.prometheus.ours()
		if err != nil {
			return err
		}
		if err := scaler.Setup(mgr, ours, o.room); err != nil {
			return err
		}
	}
	if o.webhook.service != "" {
		if err := webhook.Setup(mgr, o.webhook.certificates(o.namespace)); err != nil {
			return err
		}
	}
	return mgr.Start(ctx)
}

func newManager(o *options) (ctrl.Manager, error) {
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return nil, err
	}
	rest, err := ctrl.GetConfig()
	if err != nil {
		return nil, fmt.Errorf("find the cluster: %w", err)
	}
	return ctrl.NewManager(rest, ctrl.Options{
		Scheme:        scheme,
		WebhookServer: webhook.NewServer(o.webhook.port, &o.webhook.current),
		Cache: cache.Options{DefaultTransform: cache.TransformStripManagedFields(), ByObject: map[client.Object]cache.ByObject{
			&corev1.Pod{}:    {Transform: webhook.PodMetadata},
			&corev1.Secret{}: {Namespaces: map[string]cache.Config{o.namespace: {FieldSelector: fields.OneTermEqualSelector("metadata.name", o.webhook.secret)}}},
		}},
		Metrics: server.Options{BindAddress: o.listen, ExtraHandlers: map[string]http.Handler{
			"/healthz": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) }),
		}},
		LeaderElection:                true,
		LeaderElectionID:              "hoist-controller",
		LeaderElectionNamespace:       o.namespace,
		LeaderElectionReleaseOnCancel: true,
		// Roles are looked at by name: to watch them all would take a right to list them, and memory.
		Client: client.Options{Cache: &client.CacheOptions{DisableFor: []client.Object{&rbacv1.Role{}, &rbacv1.RoleBinding{}}}},
	})
}
