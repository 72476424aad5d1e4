// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package forecast says how many requests a second a model will get in the next hour, as quantiles.
//
// It is pure: values in, values out, no clock and no I/O. One Model serves one policy and is not safe for concurrent use; it takes
// some 200 KB.
//
// The method is a seasonal profile times a level, with intervals from its own past errors:
//
//   - profile: the median of the same minute of the day over four weeks, drawn towards weekday or weekend, and from 14 days on
//     towards the day of the week, by how many values there are of it;
//   - level: what came lately over what the profile said, both as EWMA;
//   - mix: seasonal against a plain EWMA, in five shares, by which of them was nearest in the last day, for each horizon;
//   - quantiles: those of the errors that this Model made at that horizon in the last week (split conformal prediction, Vovk et
//     al. 2005), in units of the expected spread. An error is counted when its minute is over, against what was forecast then: the
//     origin rolls, and no forecast sees its own future. Which of those errors stands for a quantile follows how often it held of late
//     (adaptive conformal inference, Gibbs and Candès 2021), so that it holds in a calmer week, too;
//   - skill: whether raising to the season paid in the last week, which is asked before GPUs are spent on it.
//
// A minute that is not known is missing, never zero. A Model that knows too little says so with an Insufficient error and gives
// no number: a guess would cost GPU hours.
package forecast

import (
	"fmt"
	"time"
)

const (
	// MinHistory is how long a policy must have been observed: the profile's median needs a week.
	MinHistory = 7 * 24 * time.Hour
	// MaxHorizon is how far ahead forecasts go.
	MaxHorizon = time.Hour
	// MaxAge is how old the last known minute may be.
	MaxAge = 5 * time.Minute
	// MaxRate is the highest rate, in requests/s, that is taken for a measurement.
	MaxRate = 1e9

	minCoverage  = 0.8 // of the minutes of the last week
	minResiduals = 200 // of a horizon, before its quantiles mean anything
)

// Sample is the mean arrival rate of one minute.
type Sample struct {
	At   time.Time // within the minute
	Rate float64   // requests/s; what is not in [0, MaxRate] is missing
}

// Reason is why there is no forecast. The words are reasons of the API's conditions.
type Reason string

// The reasons.
const (
	InsufficientHistory Reason = "InsufficientHistory" // less than MinHistory since the first minute
	TooManyGaps         Reason = "TooManyGaps"         // too many minutes of the last week are missing
	Stale               Reason = "Stale"               // the last known minute is older than MaxAge
	Uncalibrated        Reason = "Uncalibrated"        // too few past forecasts to know their errors
	BadQuestion         Reason = "BadQuestion"         // a horizon or quantile that has no answer
)

// Insufficient says why a Model gives no forecast.
type Insufficient struct {
	Reason  Reason
	Message string // for people
}

func (e *Insufficient) Error() string { return fmt.Sprintf("no forecast: %s", e.Message) }

func insufficient(reason Reason, format string, args ...any) error {
	return &Insufficient{Reason: reason, Message: fmt.Sprintf(format, args...)}
}
