// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package scaledobject

import (
	"strings"
	"time"

	"github.com/hoist-dev/hoist/api/crontab"
)

// Begin is the start of a floor so many minutes earlier, or as many of them as there may be. To KEDA a floor holds while its next end does not
// come after its next start: one that was moved up to an end before it, or past it, would turn that around.
func Begin(start, end string, minutes int) string {
	if _, ok := Earlier(start, 1); !ok {
		return start
	}
	earlier, _ := Earlier(start, free(start, end, minutes))
	return earlier
}

// free is how many minutes, so many at most, there are before each start without an end.
func free(start, end string, minutes int) int {
	starts, err1 := crontab.Parse(anyDate(start))
	ends, err2 := crontab.Parse(anyDate(end))
	if err1 != nil || err2 != nil {
		return 0
	}
	week := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC) // any: without dates all are the same
	for at := starts.Next(week.Add(-time.Second)); at.Before(week.AddDate(0, 0, 7)); at = starts.Next(at) {
		for e := ends.Next(at.Add(-time.Duration(minutes)*time.Minute - time.Second)); minutes > 0 && !e.After(at); e = ends.Next(e) {
			minutes = max(int(at.Sub(e)/time.Minute)-1, 0)
		}
	}
	return minutes
}

// anyDate is an expression that fires whenever this one might in some month.
func anyDate(cron string) string {
	fields := strings.Fields(cron)
	if len(fields) != 5 {
		return cron
	}
	if fields[2] != "*" && fields[2] != "?" { // with a weekday it means either
		fields[4] = "*"
	}
	fields[2], fields[3] = "*", "*"
	return strings.Join(fields, " ")
}
