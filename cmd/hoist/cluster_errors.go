// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"net/url"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/hoist-dev/hoist/cachenode"
)

// clusterError is a failure of a cluster that a person can act on. Its kind decides the exit code.
type clusterError struct {
	kind error
	what string // the sentence
	hint string // what to do, or ""
	err  error  // the cause, or nil
}

func (e *clusterError) Error() string {
	text := e.what
	if e.err != nil {
		text += ": " + e.err.Error()
	}
	if e.hint != "" {
		text += " (" + e.hint + ")"
	}
	return strings.Join(strings.Fields(text), " ")
}

func (e *clusterError) Unwrap() []error { return []error{e.kind, e.err} }

func noConfig(err error) error {
	if clientcmd.IsEmptyConfig(err) {
		return &clusterError{cachenode.ErrInvalid, "no cluster is configured", "name a kubeconfig with --kubeconfig or KUBECONFIG; kubectl uses ~/.kube/config", nil}
	}
	return &clusterError{cachenode.ErrInvalid, "the kubeconfig can't be used", "kubectl config get-contexts lists what there is", err}
}

// explain is what a cluster answered, with what to do. op is what was asked of it, such as "list Models".
func explain(op string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	if _, ok := errors.AsType[*clusterError](err); ok {
		return err
	}
	if meta.IsNoMatchError(err) {
		return &clusterError{cachenode.ErrNotFound, "Hoist is not installed in this cluster", "see docs/quickstart.md", nil}
	}
	for _, row := range []struct {
		is   func(error) bool
		kind error
		hint string
	}{
		{apierrors.IsUnauthorized, cachenode.ErrDenied, "log in to the cluster again"},
		{apierrors.IsForbidden, cachenode.ErrDenied, "ask whoever runs the cluster for this right"},
		{apierrors.IsNotFound, cachenode.ErrNotFound, ""},
		{apierrors.IsConflict, cachenode.ErrInUse, ""},
		{apierrors.IsInvalid, cachenode.ErrInvalid, ""},
		{apierrors.IsBadRequest, cachenode.ErrInvalid, ""},
		{unreachable, cachenode.ErrUnavailable, "is it the right context, is the cluster up? kubectl cluster-info"},
	} {
		if row.is(err) {
			return &clusterError{row.kind, "can't " + op, row.hint, err}
		}
	}
	return &clusterError{cachenode.ErrUnavailable, "can't " + op, "", err}
}

// unreachable reports whether no answer came.
func unreachable(err error) bool {
	_, ok := errors.AsType[*url.Error](err)
	return ok || errors.Is(err, context.DeadlineExceeded)
}
