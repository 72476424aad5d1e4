// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"syscall"
)

const (
	opStart  = "start"
	opSignal = "signal"
	opStatus = "status"
)

// request and response are one JSON object each, over a connection of their own.
type request struct {
	Op      string  `json:"op"`
	Service Service `json:"service"`
	Signal  int     `json:"signal,omitempty"`
}

type response struct {
	PID   int    `json:"pid"` // 0 when it does not run
	Error string `json:"error,omitempty"`
}

// Start starts a service. One of that name must not run.
func (m Machine) Start(ctx context.Context, service Service) error {
	_, err := m.ask(ctx, request{Op: opStart, Service: service})
	return err
}

// Signal sends a signal to a service that runs.
func (m Machine) Signal(ctx context.Context, service string, signal syscall.Signal) error {
	_, err := m.ask(ctx, request{Op: opSignal, Service: Service{Name: service}, Signal: int(signal)})
	return err
}

// PID is the process of a service as the machine sees it, 0 when it does not run.
func (m Machine) PID(ctx context.Context, service string) (int, error) {
	return m.ask(ctx, request{Op: opStatus, Service: Service{Name: service}})
}

func (m Machine) ask(ctx context.Context, req request) (pid int, err error) {
	resp, err := m.roundTrip(ctx, req)
	if err == nil && resp.Error != "" {
		err = errors.New(resp.Error)
	}
	if err != nil {
		return 0, fmt.Errorf("%s %s (log: %s): %w", req.Op, req.Service.Name, m.Log(req.Service.Name), err)
	}
	return resp.PID, nil
}

func (m Machine) roundTrip(ctx context.Context, req request) (response, error) {
	var resp response
	address, release, err := socketAddress(m.Dir)
	if err != nil {
		return resp, err
	}
	defer release()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", address)
	if err != nil {
		return resp, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if err := json.NewEncoder(conn).Encode(req); err != nil {
		return resp, err
	}
	err = json.NewDecoder(conn).Decode(&resp)
	return resp, err
}
