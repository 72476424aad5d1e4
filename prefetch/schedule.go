// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package prefetch

import (
	"fmt"
	"time"

	"github.com/hoist-dev/hoist/api/crontab"
	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// window says whether the schedule's window is open at now, and when that changes next. No schedule is always open, and the zero
// time says that nothing changes.
func window(s *v1alpha1.Schedule, now time.Time) (open bool, changes time.Time, err error) {
	if s == nil {
		return true, time.Time{}, nil
	}
	zone, err := time.LoadLocation(s.TimeZone) // "" is UTC
	if err != nil {
		return false, time.Time{}, fmt.Errorf("spec.schedule.timeZone %q: want a name such as Europe/Berlin", s.TimeZone)
	}
	starts, err := crontab.Parse(s.Start)
	if err != nil {
		return false, time.Time{}, fmt.Errorf("spec.schedule.start %q is no cron expression of five fields, such as 30 7 * * 1-5: %w", s.Start, err)
	}
	now = now.In(zone)
	// The earliest start whose window can still be open.
	start := starts.Next(now.Add(-s.Duration.Duration))
	if start.IsZero() {
		return false, time.Time{}, fmt.Errorf("spec.schedule.start %q never comes", s.Start)
	}
	if start.After(now) {
		return false, start, nil
	}
	end := start.Add(s.Duration.Duration)
	for next := starts.Next(start); !next.After(now) && !next.IsZero(); next = starts.Next(next) {
		end = next.Add(s.Duration.Duration) // windows that overlap are one
	}
	return true, end, nil
}
