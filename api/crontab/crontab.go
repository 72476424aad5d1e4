// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package crontab reads the cron expressions of specs.
package crontab

import (
	"errors"
	"strings"

	"github.com/robfig/cron/v3"
)

// Parse reads an expression of five fields, as KEDA does: a time zone is said elsewhere, and @daily and its like are none. What the parser
// would take for a time zone it must not see, for it panics on TZ=UTC alone.
func Parse(expression string) (cron.Schedule, error) {
	fields := strings.Fields(expression)
	joined := strings.Join(fields, " ")
	switch {
	case strings.HasPrefix(joined, "TZ="), strings.HasPrefix(joined, "CRON_TZ="):
		return nil, errors.New("leave out TZ=: the time zone is a field of its own")
	case len(fields) != 5, strings.HasPrefix(joined, "@"):
		return nil, errors.New("want five fields, such as 0 8 * * 1-5")
	}
	return cron.ParseStandard(joined)
}
