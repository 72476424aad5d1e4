// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package scaler

import (
	"strings"
	"testing"

	"github.com/robfig/cron/v3"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

func TestCheckFloor(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ start, end, zone, says string }{
		"hours":              {"0 8 * * 1-5", "0 19 * * 1-5", "Europe/Berlin", ""},
		"a zone alone":       {"TZ=Europe/Berlin", "0 19 * * *", "", "leave out TZ="},
		"a zone in it":       {"0 8 * * *", "CRON_TZ=Europe/Berlin 0 19 * * *", "", "leave out TZ="},
		"a descriptor":       {"@midnight", "0 19 * * *", "", "want five fields"},
		"seconds":            {"0 8 * * *", "0 0 19 * * *", "", "want five fields"},
		"no time at all":     {"0 8 * * *", "0  8 * * *", "", "start and end are both"},
		"never":              {"0 8 31 2 *", "0 19 31 3 *", "", "never comes"},
		"each leap year":     {"0 8 29 2 *", "0 19 29 2 *", "", ""},
		"a zone of no place": {"0 8 * * *", "0 19 * * *", "Europe/Atlantis", "no time zone"},
	} {
		err := checkFloor(v1alpha1.Floor{Name: "business", Start: row.start, End: row.end, TimeZone: row.zone})
		if (err == nil) != (row.says == "") || err != nil && (!strings.Contains(err.Error(), row.says) || !strings.Contains(err.Error(), "floor business")) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whatever stands in a floor, it is refused, or KEDA can read it.
func FuzzCheckFloor(f *testing.F) {
	f.Add("0 8 * * 1-5", "0 19 * * 1-5", "Europe/Berlin")
	f.Add("TZ=Europe/Berlin", "0 19 * * *", "")
	f.Fuzz(func(t *testing.T, start, end, zone string) {
		if checkFloor(v1alpha1.Floor{Start: start, End: end, TimeZone: zone}) != nil {
			return
		}
		keda := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)
		for _, expression := range []string{start, end} {
			if _, err := keda.Parse(expression); err != nil {
				t.Errorf("%q: %v", expression, err)
			}
		}
		if start == end {
			t.Errorf("both are %q", start)
		}
	})
}
