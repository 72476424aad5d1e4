// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

const (
	lookEvery = 200 * time.Millisecond
	tellEvery = 10 * time.Second
)

// await looks again and again until done says yes. When that takes longer than Patience, the error says what was waited for, and what done said.
func (b *bench) await(ctx context.Context, what string, done func(context.Context) (bool, error)) error {
	within, cancel := context.WithTimeout(ctx, b.Patience)
	defer cancel()
	told := time.Now()
	var last error
	err := wait.PollUntilContextCancel(within, lookEvery, true, func(ctx context.Context) (bool, error) {
		yes, err := done(ctx)
		if err != nil && ctx.Err() == nil {
			last = err
		}
		if !yes && last != nil && time.Since(told) > tellEvery {
			b.step("waiting for %s: %v", what, last)
			told = time.Now()
		}
		return yes && err == nil, nil
	})
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return fmt.Errorf("waited %v for %s: %w", b.Patience, what, errors.Join(last, errNotInTime))
}

// errNotInTime is why a wait has ended.
var errNotInTime = errors.New("that took too long; --patience gives it more")
