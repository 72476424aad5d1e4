// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"time"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/prefetch"
	"github.com/hoist-dev/hoist/prefetch/view"
)

// cluster is the one that the flags name.
type cluster struct {
	client.Client
	namespace string       // that of the flags, or of the kubeconfig's context
	config    *rest.Config // for what Client can't do; nil in tests
}

// access are the flags that every command on a cluster has, with kubectl's names.
type access struct {
	dial       dialer
	kubeconfig string
	context    string
	namespace  string
	all        bool
}

// dialer connects to the cluster that a names.
type dialer func(a *access) (cluster, error)

// answersWithin is how long a cluster may take for one answer.
const answersWithin = 30 * time.Second

func (a *access) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&a.kubeconfig, "kubeconfig", "", "path to the kubeconfig; also KUBECONFIG")
	f.StringVar(&a.context, "context", "", "the kubeconfig's context to use")
}

func (a *access) addNamespace(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&a.namespace, "namespace", "n", "", "namespace; that of the kubeconfig's context if not given")
}

func (a *access) addNamespaces(cmd *cobra.Command) {
	a.addNamespace(cmd)
	cmd.Flags().BoolVarP(&a.all, "all-namespaces", "A", false, "look in all namespaces")
}

// connect is the dialer that ships. It sends nothing yet.
func connect(a *access) (cluster, error) {
	ctrl.SetLogger(logr.Discard()) // failures are told once, by what is returned
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = a.kubeconfig
	overrides := &clientcmd.ConfigOverrides{CurrentContext: a.context}
	overrides.Context.Namespace = a.namespace
	loaded := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides)
	config, err := loaded.ClientConfig()
	if err != nil {
		return cluster{}, noConfig(err)
	}
	config.Timeout = answersWithin
	config.UserAgent = "hoist/" + buildVersion()
	namespace, _, err := loaded.Namespace()
	if err != nil {
		return cluster{}, noConfig(err)
	}
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return cluster{}, err
	}
	c, err := client.New(config, client.Options{Scheme: scheme})
	return cluster{c, namespace, config}, err
}

// scope is where to list: one namespace, or all of them.
func (a *access) scope(c cluster) string {
	if a.all {
		return ""
	}
	return c.namespace
}

// show is how tables are made now.
func (a *access) show(wide bool) view.Options {
	return view.Options{Now: time.Now(), Wide: wide, Namespaces: a.all, Silence: prefetch.Silence}
}
