// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package prefetch

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

func TestWindow_OpensAtItsStartInItsTimeZoneAndClosesAfterItsDuration(t *testing.T) {
	t.Parallel()
	workdays := &v1alpha1.Schedule{Start: "30 7 * * 1-5", TimeZone: "Europe/Berlin", Duration: metav1.Duration{Duration: 10 * time.Hour}}
	for _, at := range []struct {
		now     string
		open    bool
		changes string
	}{
		{"2026-11-20T06:29:59Z", false, "2026-11-20T06:30:00Z"}, // Friday; CET is UTC+1
		{"2026-11-20T06:30:00Z", true, "2026-11-20T16:30:00Z"},
		{"2026-11-20T16:29:59Z", true, "2026-11-20T16:30:00Z"},
		{"2026-11-20T16:30:00Z", false, "2026-11-23T06:30:00Z"}, // to Monday
		{"2026-07-01T05:30:00Z", true, "2026-07-01T15:30:00Z"},  // CEST is UTC+2
	} {
		now, _ := time.Parse(time.RFC3339, at.now)
		open, changes, err := window(workdays, now)
		if err != nil || open != at.open || changes.UTC().Format(time.RFC3339) != at.changes {
			t.Errorf("at %s: open %v until %v, %v; want %v until %s", at.now, open, changes.UTC(), err, at.open, at.changes)
		}
	}
}

func TestWindow_IsOpenExactlyWhereAStartIsLessThanItsDurationAgo(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		hours := rapid.IntRange(1, 168).Draw(t, "hours")
		now := time.Unix(rapid.Int64Range(1.7e9, 1.9e9).Draw(t, "now"), 0).UTC()
		daily := &v1alpha1.Schedule{Start: "0 6 * * *", Duration: metav1.Duration{Duration: time.Duration(hours) * time.Hour}}
		open, changes, err := window(daily, now)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Date(now.Year(), now.Month(), now.Day(), 6, 0, 0, 0, time.UTC)
		if start.After(now) {
			start = start.AddDate(0, 0, -1)
		}
		if want := now.Sub(start) < daily.Duration.Duration; open != want {
			t.Errorf("at %v, %d h after %v: open is %v", now, hours, start, open)
		}
		if !changes.After(now) {
			t.Errorf("at %v it changes at %v", now, changes)
		}
	})
}

func TestWindow_RefusesWhatItCantRead(t *testing.T) {
	t.Parallel()
	hour := metav1.Duration{Duration: time.Hour}
	for _, s := range []v1alpha1.Schedule{
		{Start: "every morning", Duration: hour},
		{Start: "0 7 * * *", TimeZone: "Mars/Olympus", Duration: hour},
		{Start: "0 0 31 2 *", Duration: hour},
		{Start: "TZ=Europe/Berlin", Duration: hour},
		{Start: "@midnight", Duration: hour},
	} {
		if _, _, err := window(&s, time.Unix(1.8e9, 0)); err == nil {
			t.Errorf("%+v was taken", s)
		}
	}
}

// Whatever stands there, it is refused or has a window that is open or will be.
func FuzzWindow(f *testing.F) {
	f.Add("30 7 * * 1-5", "Europe/Berlin", uint8(10))
	f.Add("TZ=Europe/Berlin", "", uint8(1))
	f.Fuzz(func(t *testing.T, start, zone string, hours uint8) {
		now := time.Unix(1.8e9, 0)
		_, changes, err := window(&v1alpha1.Schedule{Start: start, TimeZone: zone, Duration: metav1.Duration{Duration: time.Duration(1+hours%168) * time.Hour}}, now)
		if err == nil && !changes.After(now) {
			t.Errorf("%q in %q changes at %v", start, zone, changes)
		}
	})
}
