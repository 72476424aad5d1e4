// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"os"
	"os/exec"
	"testing"
)

func TestID_KillEndsTheProcessItNamesAndNoOther(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("cat")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	id, err := Identify(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}

	// The same number, another process: as after the PIDs went round once.
	for _, other := range []ID{{id.PID, id.Start + 1, id.Boot}, {id.PID, id.Start, "another boot"}} {
		if err := other.Kill(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !id.Alive() {
			t.Fatalf("%+v ended %+v", other, id)
		}
	}
	if err := id.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	if id.Alive() {
		t.Fatal("alive after Kill")
	}
	if err := id.Kill(t.Context()); err != nil {
		t.Errorf("a second Kill: %v", err)
	}
}

func TestIdentify_ZombieHasEnded(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"1 (cat) Z 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0",
		"1 (cat) X 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0",
	} {
		if _, err := parseStat([]byte(line)); err == nil {
			t.Errorf("%q names a process that runs", line)
		}
	}
}

func TestIdentify_NameMayHoldAnything(t *testing.T) {
	t.Parallel()
	start, err := parseStat([]byte("1 (a) S 9 (b) R 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0"))
	if err != nil || start != 4711 {
		t.Errorf("start %d, %v, want 4711", start, err)
	}
	for _, broken := range []string{"", "1", "1 (cat)", "1 (cat) S 1 1"} {
		if _, err := parseStat([]byte(broken)); err == nil {
			t.Errorf("%q was read", broken)
		}
	}
}

func TestIdentify_Self(t *testing.T) {
	t.Parallel()
	id, err := Identify(os.Getpid())
	if err != nil || !id.Alive() {
		t.Errorf("this process: %+v, %v, alive %v", id, err, id.Alive())
	}
}
