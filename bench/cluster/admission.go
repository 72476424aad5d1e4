// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"time"

	"github.com/hoist-dev/hoist/bench/result"
)

// looks is how many dry runs tell what Hoist adds to admission.
const looks = 9

// timeAdmission measures how much longer a pod of t is let in than one without Hoist's annotations, which the webhook does not see: medians
// of dry runs, in turn.
func (b *bench) timeAdmission(ctx context.Context, t *target) error {
	var with, without []float64
	for range looks {
		for _, annotated := range []bool{true, false} {
			begun := time.Now()
			if _, err := b.admit(ctx, t, annotated); err != nil {
				return err
			}
			took := time.Since(begun).Seconds()
			if annotated {
				with = append(with, took)
			} else {
				without = append(without, took)
			}
		}
	}
	more := max(result.Median(with)-result.Median(without), 0)
	t.admission = time.Duration(more * float64(time.Second))
	return nil
}
