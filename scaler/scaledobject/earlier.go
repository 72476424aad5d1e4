// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package scaledobject

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Earlier is a cron expression that fires so many minutes before another does, up to a day. Expressions whose minute and hour are not one
// number each, and those that would have to move to the day before and name days of the month, stay as they are; ok says whether it moved.
func Earlier(cron string, minutes int) (earlier string, ok bool) {
	const day, hour = 24 * 60, 60
	fields := strings.Fields(cron)
	if len(fields) != 5 || minutes <= 0 || minutes >= day {
		return cron, minutes == 0
	}
	m, ok1 := below(fields[0], hour)
	h, ok2 := below(fields[1], day/hour)
	if !ok1 || !ok2 {
		return cron, false
	}
	at := h*hour + m - minutes
	if at < 0 {
		at += day
		if fields[4], ok = dayBefore(fields[4]); !ok || fields[2] != "*" || fields[3] != "*" {
			return cron, false
		}
	}
	fields[0], fields[1] = strconv.Itoa(at%hour), strconv.Itoa(at/hour)
	return strings.Join(fields, " "), true
}

// below is a number that stands for itself alone.
func below(field string, most int) (int, bool) {
	n, err := strconv.Atoi(field)
	return n, err == nil && n >= 0 && n < most
}

// dayBefore are weekdays, each a day earlier: 1-5 is 0,1,2,3,4.
func dayBefore(field string) (string, bool) {
	const week = 7
	if field == "*" {
		return field, true
	}
	var days []string
	for part := range strings.SplitSeq(field, ",") {
		from, to, isRange := strings.Cut(part, "-")
		if !isRange {
			to = from
		}
		a, ok1 := weekday(from)
		b, ok2 := weekday(to)
		if !ok1 || !ok2 || a > b {
			return field, false
		}
		for d := a; d <= b; d++ {
			days = append(days, fmt.Sprint((d+week-1)%week))
		}
	}
	slices.Sort(days)
	return strings.Join(slices.Compact(days), ","), true
}

// weekday is 0 to 6, from Sunday, or a name; KEDA knows no 7.
func weekday(s string) (int, bool) {
	names := []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}
	if i := slices.Index(names, strings.ToUpper(s)); i >= 0 {
		return i, true
	}
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= 0 && n < len(names)
}
