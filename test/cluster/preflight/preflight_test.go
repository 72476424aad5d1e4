// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package preflight

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestCheck_NeedsNothingForNothing(t *testing.T) {
	t.Parallel()
	if err := Check(Needs{}); err != nil {
		t.Errorf("a control plane on loopback: %v", err)
	}
}

func TestEffective_ReadsTheSet(t *testing.T) {
	t.Parallel()
	status := "Name:\tx\nCapPrm:\tffffffffffffffff\nCapEff:\t0000000000201000\nCapBnd:\tffffffffffffffff\n"
	set := effective(status)
	for bit, want := range map[int]bool{unix.CAP_SYS_ADMIN: true, unix.CAP_NET_ADMIN: true, unix.CAP_SYS_RESOURCE: false} {
		if got := set&(1<<bit) != 0; got != want {
			t.Errorf("capability %d: %v, want %v", bit, got, want)
		}
	}
	if effective("CapEff:\tnonsense\n") != 0 || effective("") != 0 {
		t.Error("a set out of nothing")
	}
}

func TestRequirements_SayWhatToDo(t *testing.T) {
	t.Parallel()
	for _, r := range requirements {
		if strings.ContainsAny(r.what, "\n;") {
			t.Errorf("%q: one line, and no separator", r.what)
		}
	}
	if fileSystem("no-such-file-system")() && unix.Geteuid() == 0 {
		t.Error("a file system that no kernel has was found")
	}
	if program("no-such-program")() || device("/dev/no-such-device")() {
		t.Error("what does not exist was found")
	}
}

type recorder struct{ skipped, failed bool }

func (*recorder) Helper()        {}
func (r *recorder) Skip(...any)  { r.skipped = true }
func (r *recorder) Fatal(...any) { r.failed = true }

func TestRequire_FailsInCIAndSkipsElsewhere(t *testing.T) { //nolint:paralleltest // sets the environment
	saved := requirements
	t.Cleanup(func() { requirements = saved })
	requirements = []requirement{{"the moon", func(Needs) bool { return true }, func() bool { return false }}}
	for ci, want := range map[string]recorder{"true": {failed: true}, "": {skipped: true}} {
		t.Setenv("CI", ci)
		var got recorder
		Require(&got, Needs{})
		if got != want {
			t.Errorf("CI=%q: %+v, want %+v", ci, got, want)
		}
	}
}
