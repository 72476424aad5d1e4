// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"
)

// InitCommand is the first argument of a program that shall be a machine's first process.
const InitCommand = "machine-init"

const readyWord = "ok"

// Init is a machine's first process. It gets the spec over descriptor 3, says over descriptor 4 that the machine is ready (or
// why it is not), and then serves the control socket until it is killed.
func Init() error {
	// A service dies with the thread that started it (PR_SET_PDEATHSIG), so that has to be the one thread that never ends early.
	runtime.LockOSThread()
	specReader, ready := os.NewFile(3, "spec"), os.NewFile(4, "ready")
	var spec Spec
	if err := json.NewDecoder(specReader).Decode(&spec); err != nil {
		return fmt.Errorf("read the spec; was I started by Boot?: %w", err)
	}
	specReader.Close()
	listener, err := prepare(spec)
	if err != nil {
		_, _ = ready.WriteString(err.Error())
		return err
	}
	if _, err := ready.WriteString(readyWord); err != nil {
		return err // whoever wanted the machine is gone
	}
	ready.Close()
	return newSupervisor(spec).serve(listener)
}

func prepare(spec Spec) (net.Listener, error) {
	if spec.Shared {
		// Orphans of services come to us instead of to the computer's own first process.
		if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
			return nil, fmt.Errorf("become the reaper: %w", err)
		}
		return listen(spec)
	}
	if err := mountAll(spec.Mounts); err != nil {
		return nil, err
	}
	for name, value := range spec.Sysctls {
		if err := os.WriteFile("/proc/sys/"+name, []byte(value), 0); err != nil {
			return nil, fmt.Errorf("set %s: %w", name, err)
		}
	}
	if err := unix.Sethostname([]byte(spec.Name)); err != nil {
		return nil, fmt.Errorf("set the host name: %w", err)
	}
	return listen(spec)
}

// listen opens the control socket. A socket's address holds 108 bytes, and folders of tests are long: it is bound by way of
// the folder's descriptor.
func listen(spec Spec) (net.Listener, error) {
	if err := os.Remove(filepath.Join(spec.Dir, socketName)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	address, release, err := socketAddress(spec.Dir)
	if err != nil {
		return nil, err
	}
	defer release()
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: address, Net: "unix"})
	if err != nil {
		return nil, err
	}
	listener.SetUnlinkOnClose(false)
	return listener, nil
}

const socketName = "control.sock"

func socketAddress(dir string) (address string, release func(), err error) {
	folder, err := os.Open(dir)
	if err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", folder.Fd(), socketName), func() { folder.Close() }, nil
}
