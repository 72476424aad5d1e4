// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fakegpu

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
)

// Client is one process's connection to the [Driver]. It is safe for concurrent use.
//
// A request that ctx cuts short closes the connection, which gives back all that was taken through it.
type Client struct {
	mu      sync.Mutex // one request at a time
	conn    net.Conn
	replies *json.Decoder
}

// Dial connects this process to the driver that serves the unix socket at path. Close it.
func Dial(ctx context.Context, path string) (*Client, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("connect to the simulated GPU driver: %w", err)
	}
	return &Client{conn: conn, replies: json.NewDecoder(conn)}, nil
}

// Devices returns the node's devices, with the processes of all.
func (c *Client) Devices(ctx context.Context) ([]Device, error) {
	r, err := c.ask(ctx, request{Op: "devices"})
	if err != nil {
		return nil, fmt.Errorf("list the simulated GPUs: %w", err)
	}
	return r.Devices, nil
}

// Alloc takes that many bytes of the device, all or none.
func (c *Client) Alloc(ctx context.Context, uuid string, bytes int64) error {
	if _, err := c.ask(ctx, request{Op: "alloc", Device: uuid, Bytes: bytes}); err != nil {
		return fmt.Errorf("take memory of a simulated GPU: %w", err)
	}
	return nil
}

// Free gives that many bytes of the device back. More than this client holds of it is an error.
func (c *Client) Free(ctx context.Context, uuid string, bytes int64) error {
	if _, err := c.ask(ctx, request{Op: "free", Device: uuid, Bytes: bytes}); err != nil {
		return fmt.Errorf("give back memory of a simulated GPU: %w", err)
	}
	return nil
}

// Close ends the connection. The driver then gives back all that was taken through it.
func (c *Client) Close() error { return c.conn.Close() }

func (c *Client) ask(ctx context.Context, r request) (reply, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	stop := context.AfterFunc(ctx, func() { _ = c.conn.Close() })
	defer stop()
	var answer reply
	err := json.NewEncoder(c.conn).Encode(r)
	if err == nil {
		err = c.replies.Decode(&answer)
	}
	if err != nil {
		return reply{}, errors.Join(context.Cause(ctx), err)
	}
	if answer.Error != "" {
		return reply{}, errors.New(answer.Error)
	}
	return answer, nil
}
