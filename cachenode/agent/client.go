// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"

	"github.com/hoist-dev/hoist/cachenode"
)

// Client is a Cache behind the control socket of a running node.
type Client struct{ http http.Client }

// NewClient speaks to the socket at path. It connects with the first call.
func NewClient(path string) *Client {
	return &Client{http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		},
	}}}
}

// List returns the copies on the node.
func (c *Client) List(ctx context.Context) ([]Copy, error) {
	var copies []Copy
	err := c.call(ctx, http.MethodGet, "/v1/copies", &copies)
	return copies, err
}

// Pin keeps a copy from eviction, or lets it go again.
func (c *Client) Pin(ctx context.Context, name string, pinned bool) (Copy, error) {
	verb := "unpin"
	if pinned {
		verb = "pin"
	}
	return c.act(ctx, http.MethodPost, name, "/"+verb)
}

// Evict removes a copy.
func (c *Client) Evict(ctx context.Context, name string) (Copy, error) {
	return c.act(ctx, http.MethodDelete, name, "")
}

// Verify reads every byte of a copy.
func (c *Client) Verify(ctx context.Context, name string) (Copy, error) {
	return c.act(ctx, http.MethodPost, name, "/verify")
}

func (c *Client) act(ctx context.Context, method, name, verb string) (Copy, error) {
	var got Copy
	err := c.call(ctx, method, "/v1/copies/"+url.PathEscape(name)+verb, &got)
	return got, err
}

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 16 << 20

func (c *Client) call(ctx context.Context, method, path string, into any) error {
	request, err := http.NewRequestWithContext(ctx, method, "http://hoist"+path, http.NoBody)
	if err != nil {
		return err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return fmt.Errorf("ask the running hoist: %w", err)
	}
	defer response.Body.Close()
	body := json.NewDecoder(io.LimitReader(response.Body, maxAnswer))
	if response.StatusCode == http.StatusOK {
		return body.Decode(into)
	}
	var f failure
	if err := body.Decode(&f); err != nil {
		return fmt.Errorf("ask the running hoist: %s", response.Status)
	}
	return &remoteError{kind: cachenode.KindNamed(f.Kind), message: f.Message}
}

// remoteError is an error that happened in the other process.
type remoteError struct {
	kind    error
	message string
}

func (e *remoteError) Error() string { return e.message }
func (e *remoteError) Unwrap() error { return e.kind }

// Served reports whether err says that nobody serves the socket.
func Served(err error) bool {
	var op *net.OpError
	return err == nil || !errors.As(err, &op)
}
