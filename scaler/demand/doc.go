// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package demand writes PromQL that says how many requests an inference server has in flight: those that run and those that wait, together.
//
// Each query gives one number or none, and none is not zero: it means that the demand can't be known, for which KEDA has a fallback. Zero is
// said in one case only, when no replica has been ready for two minutes. Nothing is averaged over pods: KEDA's AverageValue
// divides by the replicas already (https://keda.sh/docs/2.19/reference/scaledobject-spec/).
package demand
