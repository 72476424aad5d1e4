// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// Service is a program that runs in the background of a machine.
type Service struct {
	Name string   `json:"name"`
	Argv []string `json:"argv"` // Argv[0] is an absolute path
	Env  []string `json:"env"`  // all of its environment
}

// supervisor starts services, and knows which process is which until it has ended.
type supervisor struct {
	machine Machine
	spec    Spec
	running map[string]int // PID by service, as the machine sees it
}

func newSupervisor(spec Spec) *supervisor {
	return &supervisor{machine: Machine{Dir: spec.Dir}, spec: spec, running: map[string]int{}}
}

// serve answers one request a connection, in the one thread that starts services, and reaps in between.
func (s *supervisor) serve(listener net.Listener) error {
	children := make(chan os.Signal, 1)
	signal.Notify(children, syscall.SIGCHLD)
	connections, failed := accept(listener)
	for {
		select {
		case <-children:
			s.reap()
		case conn := <-connections:
			s.answer(conn)
		case err := <-failed:
			return err
		}
	}
}

func accept(listener net.Listener) (connections <-chan net.Conn, failed <-chan error) {
	conns, errs := make(chan net.Conn), make(chan error)
	go func() { // ends with the process
		for {
			conn, err := listener.Accept()
			if err != nil {
				errs <- fmt.Errorf("accept on the control socket: %w", err)
				return
			}
			conns <- conn
		}
	}()
	return conns, errs
}

func (s *supervisor) answer(conn net.Conn) {
	defer conn.Close()
	var req request
	if err := json.NewDecoder(conn).Decode(&req); err != nil {
		return // whoever asked has gone
	}
	var resp response
	if err := s.do(req); err != nil {
		resp.Error = err.Error()
	}
	resp.PID = s.running[req.Service.Name]
	_ = json.NewEncoder(conn).Encode(resp)
}

func (s *supervisor) do(req request) error {
	s.reap()
	pid, running := s.running[req.Service.Name]
	switch req.Op {
	case opStart:
		if running {
			return errors.New("it runs already")
		}
		return s.start(req.Service)
	case opSignal:
		if !running {
			return errors.New("it does not run")
		}
		return syscall.Kill(pid, syscall.Signal(req.Signal))
	case opStatus:
		return nil
	}
	return fmt.Errorf("no such request: %q", req.Op)
}

func (s *supervisor) start(service Service) error {
	log, err := os.OpenFile(s.machine.Log(service.Name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	defer null.Close()
	process, err := os.StartProcess(service.Argv[0], service.Argv, &os.ProcAttr{
		Dir:   "/",
		Env:   service.Env,
		Files: []*os.File{null, log, log},
		Sys:   &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL},
	})
	if err != nil {
		return err
	}
	s.running[service.Name] = process.Pid
	return process.Release() // reap waits for it
}

// reap collects every process that has ended, of services and of the orphans they left.
func (s *supervisor) reap() {
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, unix.WNOHANG, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || pid <= 0 {
			return
		}
		for name, of := range s.running {
			if of == pid {
				delete(s.running, name)
			}
		}
	}
}
