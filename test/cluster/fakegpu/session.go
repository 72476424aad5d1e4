// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fakegpu

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// request and reply are one line of JSON each.
type request struct {
	Op     string `json:"op"` // alloc, free or devices
	Device string `json:"device,omitempty"`
	Bytes  int64  `json:"bytes,omitempty"`
}

type reply struct {
	OK      bool     `json:"ok,omitempty"`
	Error   string   `json:"error,omitempty"`
	Devices []Device `json:"devices,omitempty"`
}

const maxRequest = 4096 // bytes of a line

// session is one connection: what its process holds through it.
type session struct {
	driver *Driver
	pid    int
	held   map[string]int64 // bytes by the device's UUID, each more than 0
}

// serveProcess answers one connection until it or ctx ends, and gives back what the process held through it. The error is
// of the driver, never of the process.
func (d *Driver) serveProcess(ctx context.Context, conn net.Conn) error {
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	answers := json.NewEncoder(conn)
	pid, err := peer(conn)
	if err != nil {
		_ = answers.Encode(reply{Error: err.Error()})
		return nil
	}
	s := session{driver: d, pid: pid, held: map[string]int64{}}
	lines := bufio.NewScanner(conn)
	lines.Buffer(nil, maxRequest)
	for lines.Scan() {
		if answers.Encode(s.answer(lines.Bytes())) != nil {
			return s.release() // it went away
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		_ = answers.Encode(reply{Error: fmt.Sprintf("request is longer than %d bytes", maxRequest)})
	}
	return s.release()
}

func (s *session) answer(line []byte) reply {
	var r request
	err := json.Unmarshal(line, &r)
	if err == nil {
		err = s.do(r)
	}
	if err != nil {
		return reply{Error: err.Error()}
	}
	if r.Op == "devices" {
		return reply{OK: true, Devices: s.driver.Devices()}
	}
	return reply{OK: true}
}

func (s *session) do(r request) error {
	switch r.Op {
	case "alloc":
		return s.take(r.Device, r.Bytes)
	case "free":
		return s.giveBack(r.Device, r.Bytes)
	case "devices":
		return nil
	default:
		return fmt.Errorf("op %q: want alloc, free or devices", r.Op)
	}
}

func (s *session) take(uuid string, bytes int64) error {
	if bytes < 1 {
		return fmt.Errorf("%d bytes: want 1 or more", bytes)
	}
	if err := s.driver.change(uuid, s.pid, bytes); err != nil {
		return err
	}
	s.held[uuid] += bytes
	return nil
}

// giveBack refuses what the process holds through another connection.
func (s *session) giveBack(uuid string, bytes int64) error {
	if bytes < 1 || bytes > s.held[uuid] {
		return fmt.Errorf("%d bytes of %q: the connection holds %d", bytes, uuid, s.held[uuid])
	}
	if err := s.driver.change(uuid, s.pid, -bytes); err != nil {
		return err
	}
	if s.held[uuid] -= bytes; s.held[uuid] == 0 {
		delete(s.held, uuid)
	}
	return nil
}

func (s *session) release() error {
	var all error
	for uuid, bytes := range s.held {
		if err := s.driver.change(uuid, s.pid, -bytes); err != nil {
			all = errors.Join(all, fmt.Errorf("give back the memory of process %d: %w", s.pid, err))
		}
	}
	return all
}

// peer asks the kernel which process connected: its PID as this process sees it.
func peer(conn net.Conn) (int, error) {
	socket, ok := conn.(*net.UnixConn)
	if !ok {
		return 0, fmt.Errorf("identify the process: want a unix socket, got %s", conn.LocalAddr().Network())
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return 0, fmt.Errorf("identify the process: %w", err)
	}
	var who *unix.Ucred
	var asked error
	err = raw.Control(func(fd uintptr) { who, asked = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
	if err = errors.Join(err, asked); err != nil {
		return 0, fmt.Errorf("identify the process: %w", err)
	}
	if who.Pid < 1 {
		return 0, errors.New("identify the process: it is in a PID namespace that the driver does not see")
	}
	return int(who.Pid), nil
}
