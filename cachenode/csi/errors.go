// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package csi

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/hoist-dev/hoist/cachenode"
)

// code is what err is to the kubelet. After Aborted, Canceled, DeadlineExceeded,
// ResourceExhausted and Unavailable it takes the volume for half-published and will
// unpublish it; after any other it takes it for not published (isFinalError in
// pkg/volume/csi/csi_client.go of Kubernetes).
func code(err error) codes.Code {
	if errors.As(err, new(*stuckError)) {
		return codes.Aborted // whatever its causes are: the kubelet must come back
	}
	if kind := cachenode.KindOf(err); kind != nil {
		return codeOfKind(kind)
	}
	switch {
	case errors.As(err, new(*incompatibleError)):
		return codes.AlreadyExists
	case errors.Is(err, context.DeadlineExceeded):
		return codes.DeadlineExceeded
	case errors.Is(err, context.Canceled):
		return codes.Canceled
	}
	return codes.Internal
}

func codeOfKind(kind error) codes.Code {
	for _, row := range []struct {
		code  codes.Code
		kinds []error
	}{
		{codes.NotFound, []error{cachenode.ErrNotFound}},
		{codes.PermissionDenied, []error{cachenode.ErrDenied}},
		{codes.InvalidArgument, []error{cachenode.ErrInvalid}},
		{codes.ResourceExhausted, []error{cachenode.ErrNoSpace}},
		{codes.Unavailable, []error{cachenode.ErrUnavailable, cachenode.ErrThrottled, cachenode.ErrExpired, cachenode.ErrChanged, cachenode.ErrIncomplete}},
		{codes.Aborted, []error{cachenode.ErrInUse}},
		{codes.FailedPrecondition, []error{cachenode.ErrUnsafe, cachenode.ErrCorrupt, cachenode.ErrUnsupported}},
	} {
		if slices.Contains(row.kinds, kind) {
			return row.code
		}
	}
	return codes.Internal
}

// answer is err as the kubelet gets it: its message becomes an event of the pod.
func answer(err error) error {
	if err == nil {
		return nil
	}
	if _, already := status.FromError(err); already {
		return err
	}
	return status.Error(code(err), strings.ReplaceAll(err.Error(), "\n", " "))
}

// busyError is a call for a volume that another call is working on.
type busyError struct {
	claim    Claim // none: it is being unmounted
	progress string
}

func (e *busyError) Error() string {
	if e.claim == (Claim{}) {
		return "the volume is being unmounted"
	}
	if e.progress == "" {
		return "model " + e.claim.Model.String() + " is being mounted"
	}
	return "model " + e.claim.Model.String() + " is being mounted: " + e.progress
}

func (e *busyError) Unwrap() error { return cachenode.ErrInUse }

// incompatibleError is a publish of a volume that is published as something else.
type incompatibleError struct {
	has Claim
	at  string
}

func (e *incompatibleError) Error() string {
	return "volume " + e.has.Volume + " is already published, with model " + e.has.Model.String() + " for pod " + e.has.Pod.String() + " at " + e.at
}

// waitError is a wait for a model that ended before the model was there.
type waitError struct {
	model    ModelRef
	progress error
	cause    error
}

func (e *waitError) Error() string {
	return "model " + e.model.String() + " is not on this node yet: " + e.progress.Error()
}

func (e *waitError) Unwrap() error { return e.cause }

// stuckError is a failed publish that could not be undone.
type stuckError struct {
	why  error
	path string
	err  error
}

func (e *stuckError) Error() string {
	return fmt.Sprintf("mount failed: %v; and %s can't be unmounted: %v (the kubelet tries again)", e.why, e.path, e.err)
}

func (e *stuckError) Unwrap() []error { return []error{e.why, e.err} }

// revisionError is a lease on something else than what is mounted.
type revisionError struct{ want, got cachenode.Revision }

func (e revisionError) Error() string {
	return "got a lease on " + e.got.Short() + " for a mount of " + e.want.Short()
}
