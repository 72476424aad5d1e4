// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package scaler

import (
	"sync"

	"github.com/hoist-dev/hoist/scaler/queue"
	"github.com/hoist-dev/hoist/scaler/scaledobject"
)

// Ours is the Prometheus that the controller was told of. Policies that name none have it, and the controller itself asks no other.
type Ours struct {
	Address  string
	Identity queue.Identity        // of the controller
	KEDA     scaledobject.Identity // of KEDA, for policies that name no authentication
}

// line is the controller's one connection to its Prometheus.
type line struct {
	ours Ours

	mu  sync.Mutex
	has *queue.Prometheus
}

// dial gives the connection. What says who the controller is goes to its own address alone, whatever a policy says.
func (l *line) dial(address string) (Series, error) {
	if address != l.ours.Address {
		return nil, errForeign
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.has == nil {
		made, err := queue.Identified(address, l.ours.Identity)
		if err != nil { // a Secret that is wrong is mended while the controller runs
			return nil, err
		}
		l.has = made
	}
	return l.has, nil
}
