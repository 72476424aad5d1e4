// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package versity runs versitygw, a real S3 server over a folder, for integration
// tests and the demo (https://github.com/versity/versitygw).
package versity

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Config is what a server needs.
type Config struct {
	Bin           string // the versitygw binary
	Dir           string // an empty folder: objects, metadata and versions live below it
	AccessKey     string
	SecretKey     string
	Region        string
	Versioning    bool // let buckets keep versions
	CertFile      string
	KeyFile       string // with CertFile: serve TLS
	readyDeadline time.Duration
}

// Server is a running versitygw. End it with Stop.
type Server struct {
	config   Config
	endpoint string
	cmd      *exec.Cmd
	log      bytes.Buffer
	exited   chan struct{}
	exit     error
}

// Start runs the server on a free port of 127.0.0.1 and waits until it answers.
// The credentials go by environment, so no process list shows them.
func Start(ctx context.Context, c Config) (*Server, error) {
	if c.readyDeadline == 0 {
		c.readyDeadline = 30 * time.Second
	}
	for attempt := 1; ; attempt++ {
		s, err := start(ctx, c)
		if err == nil || attempt == 3 || ctx.Err() != nil {
			return s, err // another process may take the free port first: rare, so try again
		}
	}
}

func start(ctx context.Context, c Config) (*Server, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	args, err := c.args(address)
	if err != nil {
		return nil, err
	}
	s := &Server{config: c, endpoint: "http://" + address, exited: make(chan struct{})}
	if c.CertFile != "" {
		s.endpoint = "https://" + address
	}
	s.cmd = exec.Command(c.Bin, args...) //nolint:noctx // Stop ends it, not ctx
	s.cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+c.AccessKey, "ROOT_SECRET_KEY="+c.SecretKey)
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // never outlives a test that is killed
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("run versitygw: %w", err)
	}
	go func() { s.exit = s.cmd.Wait(); close(s.exited) }()
	if err := s.waitReady(ctx, address, c.readyDeadline); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

func (c Config) args(address string) ([]string, error) {
	data, meta := filepath.Join(c.Dir, "data"), filepath.Join(c.Dir, "meta")
	for _, dir := range []string{data, meta} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
	}
	args := []string{"--port", address, "--region", c.Region, "--keep-alive", "--quiet"}
	if c.CertFile != "" {
		args = append(args, "--cert", c.CertFile, "--key", c.KeyFile)
	}
	args = append(args, "posix")
	if !hasXattr(data) {
		args = append(args, "--sidecar", meta)
	}
	if c.Versioning {
		versions := filepath.Join(c.Dir, "versions")
		if err := os.MkdirAll(versions, 0o700); err != nil {
			return nil, err
		}
		args = append(args, "--versioning-dir", versions)
	}
	return append(args, data), nil
}

// hasXattr reports whether the file system keeps user attributes, where versitygw
// puts its metadata unless told otherwise.
func hasXattr(dir string) bool { return unix.Setxattr(dir, "user.hoist-probe", []byte("1"), 0) == nil }

func freeAddress(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

func (s *Server) waitReady(ctx context.Context, address string, limit time.Duration) error {
	ctx, stop := context.WithTimeout(ctx, limit)
	defer stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-s.exited:
			return fmt.Errorf("versitygw ended at once: %w: %s", s.exit, s.log.Bytes())
		case <-ctx.Done():
			return fmt.Errorf("versitygw does not answer on %s: %w", address, ctx.Err())
		case <-tick.C:
		}
	}
}

// Endpoint is the server's URL.
func (s *Server) Endpoint() string { return s.endpoint }

// Stop ends the server and waits until it is gone.
func (s *Server) Stop() error {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.exited:
	case <-time.After(5 * time.Second):
		_ = s.cmd.Process.Kill()
		<-s.exited
	}
	return nil
}
