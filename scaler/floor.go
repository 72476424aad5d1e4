// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package scaler

import (
	"fmt"
	"time"

	"github.com/hoist-dev/hoist/api/crontab"
	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// checkFloor fails where KEDA could not read a floor: one trigger that it can't read stops all of them.
func checkFloor(f v1alpha1.Floor) error {
	for _, expression := range []string{f.Start, f.End} {
		if _, err := crontab.Parse(expression); err != nil {
			return fmt.Errorf("floor %s: %q is no cron expression of five fields: %w", f.Name, clip(expression), err)
		}
	}
	if _, err := time.LoadLocation(f.TimeZone); err != nil {
		return fmt.Errorf("floor %s: %q is no time zone, such as Europe/Berlin", f.Name, clip(f.TimeZone))
	}
	return nil
}
