// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/wait"
)

const (
	lookEvery = 200 * time.Millisecond
	tellEvery = 10 * time.Second
)

// finalError ends a wait at once: looking again would not help.
type finalError struct{ error }

func (e finalError) Unwrap() error { return e.error }

// await looks again and again until done says yes, also where a look fails. When for Patience done has said nothing new, the error says what was waited
// for, and what it said last.
func (b *bench) await(ctx context.Context, what string, done func(context.Context) (bool, error)) error {
	return b.poll(ctx, lookEvery, what, done)
}

func (b *bench) poll(ctx context.Context, every time.Duration, what string, done func(context.Context) (bool, error)) error {
	told, changed := time.Now(), time.Now()
	var last error
	err := wait.PollUntilContextCancel(ctx, every, true, func(ctx context.Context) (bool, error) {
		yes, err := done(ctx)
		if _, final := errors.AsType[finalError](err); final {
			return false, err
		}
		if err != nil && ctx.Err() == nil {
			if last == nil || last.Error() != err.Error() {
				changed = time.Now()
			}
			last = err
		}
		if yes && err == nil {
			return true, nil
		}
		if time.Since(changed) > b.Patience {
			return false, fmt.Errorf("waited %v for %s: %w", b.Patience, what, errors.Join(last, errNotInTime))
		}
		if last != nil && time.Since(told) > tellEvery {
			b.step("waiting for %s: %v", what, last)
			told = time.Now()
		}
		return false, nil
	})
	if ctx.Err() != nil {
		return errors.Join(ctx.Err(), last)
	}
	return err
}

// errNotInTime is why a wait has ended.
var errNotInTime = errors.New("that took too long; --patience gives it more")

// insist does what puts something back, again where it fails: a network may be away for a while. What the cluster refuses, it refuses for good.
func (b *bench) insist(ctx context.Context, what string, do func(context.Context) error) error {
	return b.poll(ctx, time.Second, what, func(ctx context.Context) (bool, error) {
		err := do(ctx)
		if refused(err) || errors.Is(err, errNotInTime) {
			err = finalError{err}
		}
		return err == nil, err
	})
}

// refused reports whether the cluster has answered with what another try would not change.
func refused(err error) bool {
	status, is := errors.AsType[*apierrors.StatusError](err)
	return is && status.ErrStatus.Code >= http.StatusBadRequest && status.ErrStatus.Code < http.StatusInternalServerError &&
		status.ErrStatus.Code != http.StatusTooManyRequests && status.ErrStatus.Code != http.StatusConflict && status.ErrStatus.Code != http.StatusRequestTimeout
}
