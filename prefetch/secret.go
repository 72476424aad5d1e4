// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package prefetch

import (
	"context"
	"fmt"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/cachenode"
)

// errNotOurs is an object in the way that somebody else made.
var errNotOurs = fmt.Errorf("%w to the agents", cachenode.ErrDenied)

// openSecret lets the agents read the one Secret that a Model names, by a Role of the Model's own: agents hold no right on Secrets
// otherwise. Role and binding go with the Model, or when it names no Secret any more.
func (r *ModelReconciler) openSecret(ctx context.Context, m *v1alpha1.Model) error {
	at := metav1.ObjectMeta{Namespace: m.Namespace, Name: "hoist-agent-" + m.Name}
	role, binding := &rbacv1.Role{ObjectMeta: at}, &rbacv1.RoleBinding{ObjectMeta: at}
	if m.Spec.Credentials == nil {
		for _, object := range []client.Object{binding, role} {
			if err := r.removeOwn(ctx, m, object); err != nil {
				return err
			}
		}
		return nil
	}
	own := func(kind string, object client.Object) error {
		if object.GetUID() != "" && !metav1.IsControlledBy(object, m) {
			return fmt.Errorf("%w: the %s %s/%s is not this Model's: delete it, or give the Model another name", errNotOurs, kind, at.Namespace, at.Name)
		}
		return controllerutil.SetControllerReference(m, object, r.Client.Scheme())
	}
	_, err := controllerutil.CreateOrUpdate(ctx, r.Client, role, func() error {
		role.Rules = []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"secrets"}, ResourceNames: []string{m.Spec.Credentials.SecretName}, Verbs: []string{"get"}}}
		return own("Role", role)
	})
	if err != nil {
		return fmt.Errorf("open the Secret %s/%s to the agents: %w", m.Namespace, m.Spec.Credentials.SecretName, err)
	}
	_, err = controllerutil.CreateOrUpdate(ctx, r.Client, binding, func() error {
		binding.RoleRef = rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: at.Name}
		binding.Subjects = []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: r.AgentAccount.Namespace, Name: r.AgentAccount.Name}}
		return own("RoleBinding", binding)
	})
	if err != nil {
		return fmt.Errorf("open the Secret %s/%s to the agents: %w", m.Namespace, m.Spec.Credentials.SecretName, err)
	}
	return nil
}

// removeOwn removes an object that m owns; another's of that name stays.
func (r *ModelReconciler) removeOwn(ctx context.Context, m *v1alpha1.Model, object client.Object) error {
	err := r.Client.Get(ctx, client.ObjectKeyFromObject(object), object)
	if apierrors.IsNotFound(err) || err == nil && !metav1.IsControlledBy(object, m) {
		return nil
	}
	if err != nil {
		return err
	}
	return client.IgnoreNotFound(r.Client.Delete(ctx, object))
}
