// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package machine makes computers out of namespaces.
//
// A machine has its own processes, mounts, network, host name and System V IPC, and shares the kernel, the CPUs and most of
// the file system with the computer that it runs on. Its first process, Init, mounts what the machine shall see, starts
// services when asked to over a socket, and reaps. What makes this worth having over a list of daemons: when Init dies, the
// kernel ends every process of the machine at once and takes its mounts and interfaces with it. So PowerOff is a power cut,
// and there is exactly one process to remember for each machine.
//
// A machine that is Shared has no namespaces and needs no root: its services are processes of this computer, and end with Init
// all the same.
package machine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/hoist-dev/hoist/test/cluster/process"
)

// Spec is what a machine is made of.
type Spec struct {
	Name   string  `json:"name"`   // host name
	Dir    string  `json:"dir"`    // folder of this computer for the control socket and the logs
	Shared bool    `json:"shared"` // no namespaces
	Mounts []Mount `json:"mounts"` // in this order, seen by the machine alone
	// Sysctls are kernel parameters of the machine's namespaces, by their path below /proc/sys. Others are the computer's too.
	Sysctls map[string]string `json:"sysctls"`
}

// Machine is one that runs.
type Machine struct {
	Dir string     `json:"dir"`
	ID  process.ID `json:"id"` // of Init, as this computer sees it
}

// Boot starts a machine and returns when its mounts are in place. The program self has to call Init when its first argument is
// InitCommand. Before anything is made, record is called with what PowerOff needs: when it fails, or when this process dies
// before it returns, the machine is no more.
func Boot(ctx context.Context, self string, spec Spec, record func(Machine) error) (Machine, error) {
	if err := os.MkdirAll(filepath.Join(spec.Dir, logFolder), 0o755); err != nil {
		return Machine{}, fmt.Errorf("boot %s: %w", spec.Name, err)
	}
	m, err := boot(ctx, self, spec, record)
	if err != nil {
		return Machine{}, fmt.Errorf("boot %s: %w", spec.Name, errors.Join(err, m.PowerOff(context.WithoutCancel(ctx))))
	}
	return m, nil
}

func boot(ctx context.Context, self string, spec Spec, record func(Machine) error) (Machine, error) {
	specReader, specWriter, err := os.Pipe()
	if err != nil {
		return Machine{}, err
	}
	defer specWriter.Close()
	readyReader, readyWriter, err := os.Pipe()
	if err != nil {
		specReader.Close()
		return Machine{}, err
	}
	defer readyReader.Close()

	m := Machine{Dir: spec.Dir}
	err = start(self, spec, specReader, readyWriter, &m)
	specReader.Close()
	readyWriter.Close()
	if err != nil {
		return m, err
	}
	if err := record(m); err != nil {
		return m, err
	}
	if err := json.NewEncoder(specWriter).Encode(spec); err != nil {
		return m, err
	}
	return m, awaitReady(ctx, readyReader)
}

func start(self string, spec Spec, specReader, readyWriter *os.File, m *Machine) error {
	log, err := os.OpenFile(m.Log("init"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	// Not CommandContext: the machine outlives this process.
	cmd := exec.Command(self, InitCommand) //nolint:noctx // see above
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{specReader, readyWriter} // descriptors 3 and 4
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if !spec.Shared {
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", self, err)
	}
	m.ID, err = process.Identify(cmd.Process.Pid)
	return err
}

// awaitReady reads what Init says: ok, or why not.
func awaitReady(ctx context.Context, reader *os.File) error {
	stop := context.AfterFunc(ctx, func() { reader.Close() })
	defer stop()
	said, err := io.ReadAll(reader)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return err
	case string(said) == readyWord:
		return nil
	case len(said) == 0:
		return errors.New("init ended before it was ready")
	}
	return errors.New(string(said))
}

// PowerOff ends every process of the machine at once, without a warning to any of them. It is no error when it is off.
func (m Machine) PowerOff(ctx context.Context) error { return m.ID.Kill(ctx) }

// On tells whether the machine runs.
func (m Machine) On() bool { return m.ID.Alive() }

// Path is where this computer finds a file of the machine, named by its absolute path there.
func (m Machine) Path(path string) string {
	return "/proc/" + strconv.Itoa(m.ID.PID) + "/root" + path
}

const logFolder = "logs"

// Log is the file that a service writes to.
func (m Machine) Log(service string) string {
	return filepath.Join(m.Dir, logFolder, service+".log")
}

// Logs lists the services that have written something.
func (m Machine) Logs() []string {
	files, _ := filepath.Glob(m.Log("*")) // the pattern is well-formed
	var services []string
	for _, file := range files {
		services = append(services, strings.TrimSuffix(filepath.Base(file), ".log"))
	}
	return services
}
