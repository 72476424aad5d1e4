// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/open-policy-agent/cert-controller/pkg/rotator"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/webhook"
)

// Certificates are where the webhook's certificate is, and who makes it.
type Certificates struct {
	Secret  types.NamespacedName // of the type kubernetes.io/tls
	Dir     string               // a folder that can be written
	Service string               // of the same namespace
	Webhook string               // the MutatingWebhookConfiguration that is told of the CA
	Managed bool                 // somebody else makes the Secret, such as cert-manager

	Current *atomic.Pointer[tls.Certificate] // what the server presents
}

// setup has the leader make and rotate the certificate, unless somebody else does, and every replica present it.
func (c Certificates) setup(mgr ctrl.Manager) error {
	if !c.Managed {
		err := rotator.AddRotator(mgr, &rotator.CertRotator{
			SecretKey: c.Secret, CertDir: c.Dir, CAName: "hoist", CAOrganization: "hoist", IsReady: make(chan struct{}),
			DNSName: fmt.Sprintf("%s.%s.svc", c.Service, c.Secret.Namespace), RequireLeaderElection: true,
			Webhooks: []rotator.WebhookInfo{{Name: c.Webhook, Type: rotator.Mutating}},
		})
		if err != nil {
			return fmt.Errorf("set up the rotation of certificates: %w", err)
		}
	}
	return ctrl.NewControllerManagedBy(mgr).Named("certificates").For(&corev1.Secret{}).
		WithOptions(controller.Options{NeedLeaderElection: new(false)}).
		Complete(&serving{mgr.GetClient(), c})
}

// serving has the certificate that there is now.
type serving struct {
	client.Reader
	Certificates
}

// Reconcile takes the certificate from the Secret: by way of a file, the kubelet would take a minute.
func (s *serving) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	if request.NamespacedName != s.Secret {
		return ctrl.Result{}, nil
	}
	var secret corev1.Secret
	if err := s.Get(ctx, s.Secret, &secret); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	certificate, key := secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey]
	if len(certificate) == 0 || len(key) == 0 {
		return ctrl.Result{}, nil // it is about to be made; until then the server goes on with what it has
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return ctrl.Result{}, fmt.Errorf("the Secret %s holds no certificate for its key: %w", s.Secret, err)
	}
	s.Current.Store(&pair)
	log.FromContext(ctx).Info("certificate taken", "secret", s.Secret.String())
	// The rotator goes on when it sees the file.
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return ctrl.Result{}, err
	}
	return ctrl.Result{}, os.WriteFile(filepath.Join(s.Dir, corev1.TLSCertKey), certificate, 0o600)
}

// NewServer makes the server of a manager: it presents the current certificate, and fails handshakes while there is none.
func NewServer(port int, current *atomic.Pointer[tls.Certificate]) webhook.Server {
	return webhook.NewServer(webhook.Options{Port: port, TLSOpts: []func(*tls.Config){func(c *tls.Config) {
		c.MinVersion = tls.VersionTLS12
		c.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			if pair := current.Load(); pair != nil {
				return pair, nil
			}
			return nil, errors.New("there is no certificate yet")
		}
	}}})
}
