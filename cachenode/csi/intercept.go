// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package csi

import (
	"context"
	"fmt"
	"path"
	"runtime/debug"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Intercept logs a call, tells [Options.Observe], and turns a panic into an error, for
// the agent has more to do than this call. Requests are not logged: they may carry
// the tokens of a service account.
func (d *Driver) Intercept(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (answer any, err error) {
	start, method := time.Now(), path.Base(info.FullMethod)
	volume := ""
	if named, ok := req.(interface{ GetVolumeId() string }); ok {
		volume = clip(named.GetVolumeId())
	}
	defer func() {
		if p := recover(); p != nil {
			d.log.Error("a call panicked: please report this", "method", method, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			answer, err = nil, status.Errorf(codes.Internal, "%s failed because of a bug in hoist: see the log of the agent on node %s", method, d.options.NodeID)
		}
		took := time.Since(start)
		if err != nil {
			d.log.Warn("call failed", "method", method, "volume", volume, "took", took, "err", err)
		} else {
			d.log.Debug("call", "method", method, "volume", volume, "took", took)
		}
		if d.options.Observe != nil {
			d.options.Observe(Call{Method: method, Code: status.Code(err).String(), Took: took})
		}
	}()
	return handler(ctx, req)
}
