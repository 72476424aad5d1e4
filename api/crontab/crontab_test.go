// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package crontab_test

import (
	"strings"
	"testing"
	"time"

	"github.com/hoist-dev/hoist/api/crontab"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for expression, says := range map[string]string{
		"0 8 * * 1-5":                     "",
		" 0  8 * *\tMON-FRI ":             "",
		"TZ=Europe/Berlin":                "leave out TZ=",
		"CRON_TZ=Europe/Berlin":           "leave out TZ=",
		"TZ=Europe/Berlin 0 8 * * 1-5":    "leave out TZ=",
		" TZ=Europe/Berlin 0 8 * *":       "leave out TZ=",
		"CRON_TZ=UTC 0 8 * *":             "leave out TZ=",
		"@midnight":                       "five fields",
		"@every 1h":                       "five fields",
		"@every 1h a b c":                 "five fields",
		"0 8 * *":                         "five fields",
		"0 0 8 * * *":                     "five fields",
		"":                                "five fields",
		"0 25 * * *":                      "25",
		strings.Repeat("0 8 * * 1-5 ", 9): "five fields",
	} {
		if _, err := crontab.Parse(expression); (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", expression, err, says)
		}
	}
}

// Whatever stands there, it is refused, or has five fields and can be reckoned with.
func FuzzParse(f *testing.F) {
	f.Add("0 8 * * 1-5")
	f.Add("TZ=Europe/Berlin")
	f.Add("\vTZ=a 1 1 1 1")
	f.Fuzz(func(t *testing.T, expression string) {
		s, err := crontab.Parse(expression)
		if err != nil {
			return
		}
		now := time.Unix(1.8e9, 0).UTC()
		if next := s.Next(now); len(strings.Fields(expression)) != 5 || !next.IsZero() && !next.After(now) {
			t.Errorf("%q comes at %v", expression, next)
		}
	})
}
