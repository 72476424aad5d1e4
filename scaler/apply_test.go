// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package scaler

import (
	"context"
	"errors"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// What stands against a ScaledObject is told in the status; a failure that may pass is not.
func TestApply_SaysWhatIsWrongWithKEDA(t *testing.T) {
	t.Parallel()
	objects := schema.GroupResource{Group: "keda.sh", Resource: "scaledobjects"}
	for name, row := range map[string]struct {
		get, patch error
		reason     string
	}{
		"never there":       {get: &meta.NoKindMatchError{}, reason: v1alpha1.KEDAMissingReason},
		"found out late":    {get: apierrors.NewNotFound(objects, "llama"), patch: &meta.NoKindMatchError{}, reason: v1alpha1.KEDAMissingReason},
		"gone with its CRD": {get: apierrors.NewNotFound(objects, "llama"), patch: apierrors.NewNotFound(objects, "llama"), reason: v1alpha1.KEDAMissingReason},
		"refused":           {get: apierrors.NewNotFound(objects, "llama"), patch: apierrors.NewBadRequest("no such field"), reason: v1alpha1.KEDARefusedReason},
		"busy":              {get: apierrors.NewNotFound(objects, "llama"), patch: apierrors.NewTooManyRequestsError("later")},
	} {
		c := fake.NewClientBuilder().WithScheme(runtime.NewScheme()).WithInterceptorFuncs(interceptor.Funcs{
			Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
				return row.get
			},
			Patch: func(context.Context, client.WithWatch, client.Object, client.Patch, ...client.PatchOption) error {
				return row.patch
			}}).Build()
		p, f := scene()
		s, err := Settle(p, f)
		if err != nil {
			t.Fatal(err)
		}
		_, err = (&PolicyReconciler{Client: c, Reader: c}).apply(t.Context(), s)
		var unready *Unready
		if told := errors.As(err, &unready); err == nil || told != (row.reason != "") || told && unready.Reason != row.reason {
			t.Errorf("%s: %v", name, err)
		}
	}
}
