// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package scaler

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hoist-dev/hoist/api/crontab"
	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// checkFloor fails where KEDA could not read a floor: one trigger that it can't read stops all of them.
func checkFloor(f v1alpha1.Floor) error {
	for _, expression := range []string{f.Start, f.End} {
		schedule, err := crontab.Parse(expression)
		if err != nil {
			return fmt.Errorf("floor %s: %q is no cron expression of five fields: %w", f.Name, clip(expression), err)
		}
		if schedule.Next(time.Unix(0, 0).UTC()).IsZero() { // to KEDA it would hold for ever
			return fmt.Errorf("floor %s: %q never comes", f.Name, clip(expression))
		}
	}
	if slices.Equal(strings.Fields(f.Start), strings.Fields(f.End)) {
		return fmt.Errorf("floor %s: start and end are both %q, and KEDA refuses all triggers for it: give them two times", f.Name, clip(f.Start))
	}
	if _, err := time.LoadLocation(f.TimeZone); err != nil {
		return fmt.Errorf("floor %s: %q is no time zone, such as Europe/Berlin", f.Name, clip(f.TimeZone))
	}
	return nil
}
