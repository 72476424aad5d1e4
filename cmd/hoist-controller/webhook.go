// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/tls"
	"sync/atomic"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hoist-dev/hoist/webhook"
)

// webhookOptions say where the webhook is found.
type webhookOptions struct {
	service       string
	port          int
	secret        string
	configuration string
	managed       bool
	dir           string

	current atomic.Pointer[tls.Certificate]
}

func (o *webhookOptions) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.service, "webhook-service", "", "Service of the webhook, in --namespace; empty serves none")
	flags.IntVar(&o.port, "webhook-port", 9443, "port of the webhook")
	flags.StringVar(&o.secret, "webhook-secret", "hoist-webhook", "Secret with the webhook's certificate, in --namespace")
	flags.StringVar(&o.configuration, "webhook-configuration", "hoist", "MutatingWebhookConfiguration that is told of the certificate's CA")
	flags.BoolVar(&o.managed, "webhook-certificate-managed", false, "somebody else makes the certificate and tells the configuration, such as cert-manager")
	flags.StringVar(&o.dir, "webhook-certificate-dir", "/tmp/certificates", "folder that the certificate is written to")
}

func (o *webhookOptions) certificates(namespace string) webhook.Certificates {
	return webhook.Certificates{Secret: types.NamespacedName{Namespace: namespace, Name: o.secret}, Dir: o.dir, Service: o.service,
		Webhook: o.configuration, Managed: o.managed, Current: &o.current}
}
