// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package scaler keeps a ScaledObject of KEDA's for each ScalePolicy, and a ScalePolicy for each Deployment that asks for one.
//
// What is decided is decided by pure functions, here and below: Settle says what is in force of a policy, demand writes its queries,
// scaledobject the object, coldstart reads how long starts take.
package scaler
