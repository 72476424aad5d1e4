// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hoist-dev/hoist/test/cluster/process"
)

func TestShared_ServiceHasAProcessALogAndHearsSignals(t *testing.T) {
	t.Parallel()
	m := switchOn(t, Spec{Shared: true})
	talker := Service{Name: "talk", Argv: []string{self(t), talkCommand}, Env: []string{"A=b"}}
	if err := m.Start(t.Context(), talker); err != nil {
		t.Fatal(err)
	}
	id := identify(t, m, "talk")
	awaitLog(t, m, "talk", "up with [A=b]\n")
	if err := m.Start(t.Context(), talker); err == nil || !strings.Contains(err.Error(), m.Log("talk")) {
		t.Errorf("a second one of the same name: %v, want an error that names the log", err)
	}
	if err := m.Signal(t.Context(), "talk", syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	awaitLog(t, m, "talk", "up with [A=b]\nuser defined signal 1\n")
	if again := identify(t, m, "talk"); again != id {
		t.Errorf("the service is %+v, was %+v", again, id)
	}

	if err := m.Signal(t.Context(), "talk", syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	awaitEnd(t, m, "talk")
	if err := m.Signal(t.Context(), "talk", syscall.SIGUSR1); err == nil {
		t.Error("what has ended heard a signal")
	}
	if err := m.Start(t.Context(), talker); err != nil {
		t.Fatal(err)
	}
	awaitLog(t, m, "talk", "up with [A=b]\nuser defined signal 1\nterminated\nup with [A=b]\n")
	if diff := cmp.Diff([]string{"init", "talk"}, m.Logs()); diff != "" {
		t.Errorf("logs (-want +got):\n%s", diff)
	}
}

func TestShared_WhatCannotBeStartedIsAnErrorAndNothingMore(t *testing.T) {
	t.Parallel()
	m := switchOn(t, Spec{Shared: true})
	if err := m.Start(t.Context(), Service{Name: "none", Argv: []string{"/no/such/program"}}); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("no such program: %v", err)
	}
	if pid, err := m.PID(t.Context(), "none"); pid != 0 || err != nil {
		t.Errorf("it is process %d, %v", pid, err)
	}
}

// Its services are asked nothing: they are gone with the machine.
func TestShared_PowerOffEndsEveryService(t *testing.T) {
	t.Parallel()
	m := switchOn(t, Spec{Shared: true})
	services := map[string]process.ID{}
	for _, name := range []string{"one", "two"} {
		if err := m.Start(t.Context(), Service{Name: name, Argv: []string{self(t), talkCommand}}); err != nil {
			t.Fatal(err)
		}
		services[name] = identify(t, m, name)
	}
	for range 2 { // the second time there is nothing left to do
		if err := m.PowerOff(t.Context()); err != nil {
			t.Fatal(err)
		}
		if m.On() {
			t.Fatal("it is on")
		}
	}
	for name, id := range services {
		await(t, name+" ends", func() bool { return !id.Alive() })
	}
	if err := m.Start(t.Context(), Service{Name: "three", Argv: []string{self(t), talkCommand}}); err == nil {
		t.Error("a machine that is off has started something")
	}
}

// Where Boot fails, so that nobody has a machine to switch off, there is none.
func TestBoot_FailureLeavesNoMachine(t *testing.T) {
	t.Parallel()
	full := errors.New("the disk is full")
	for name, test := range map[string]struct {
		hinder func(dir string) error
		record error
		says   string
	}{
		"nobody will remember it": {func(string) error { return nil }, full, full.Error()},
		"no control socket": {
			func(dir string) error { return os.MkdirAll(filepath.Join(dir, socketName, "full"), 0o750) }, nil, "directory not empty",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec := Spec{Name: "m", Dir: t.TempDir(), Shared: true}
			if err := test.hinder(spec.Dir); err != nil {
				t.Fatal(err)
			}
			var made Machine
			_, err := Boot(t.Context(), self(t), spec, func(m Machine) error {
				if made = m; !m.On() {
					return fmt.Errorf("recorded as %+v, which does not run", m)
				}
				return test.record
			})
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v, want %s", err, test.says)
			}
			if made.ID.PID == 0 || made.On() {
				t.Errorf("%+v was never made, or is on: %v", made, made.On())
			}
		})
	}
}
