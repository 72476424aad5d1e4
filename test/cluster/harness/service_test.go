// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hoist-dev/hoist/test/cluster/machine"
)

func shell(name, script string) machine.Service {
	return machine.Service{Name: name, Argv: []string{"/bin/sh", "-c", script}, Env: environment()}
}

func TestRun_WaitsForAnAnswerAndNotForWhatHasEnded(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	hub, err := machine.Boot(t.Context(), self, machine.Spec{Dir: t.TempDir(), Shared: true}, func(machine.Machine) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = hub.PowerOff(context.WithoutCancel(t.Context())) })

	asked := 0
	if err := run(t.Context(), hub, shell("slow", "exec sleep 1000"), func(context.Context) error {
		if asked++; asked < 3 {
			return errors.New("connection refused")
		}
		return nil
	}); err != nil || asked != 3 {
		t.Errorf("answered when asked for the third time: %v, after %d", err, asked)
	}

	start := time.Now()
	err = run(t.Context(), hub, shell("broken", "echo begin; echo 'address in use' >&2; exit 3"), func(context.Context) error {
		return errors.New("connection refused")
	})
	if !errors.Is(err, errEnded) || !strings.Contains(err.Error(), "wait for broken") || !strings.Contains(err.Error(), "address in use") {
		t.Errorf("%v, want %v, what it was and the last it said", err, errEnded)
	}
	if waited := time.Since(start); waited > startLimit/2 {
		t.Errorf("waited %v for what had ended", waited)
	}
}

func TestAwait_SaysWhatItWaitedForAndWhatWasSaidLast(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start, asked := time.Now(), 0
		refused := errors.New("refused")
		err := Await(t.Context(), "the moon", func(context.Context) (bool, error) {
			asked++
			return true, refused // an error is no yes
		})
		if waited := time.Since(start); waited != startLimit || asked < 100 {
			t.Errorf("asked %d times in %v, want %v", asked, waited, startLimit)
		}
		if !errors.Is(err, refused) || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "the moon") {
			t.Errorf("%v", err)
		}
	})
}

func TestLastLines_AreWholeAndNeverNone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log")
	long := strings.Repeat("x", 5000)
	for log, want := range map[string]string{
		"":                        "",
		"one\ntwo\n":              "one\ntwo",
		long + "\nbegin\nwhy\n":   "begin\nwhy",
		long + " and why\n":       strings.Repeat("x", 992) + " and why",
		"begin\n" + long + " why": strings.Repeat("x", 996) + " why",
	} {
		if err := os.WriteFile(path, []byte(log), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := string(lastLines(path)); got != want {
			t.Errorf("of %.20q and more: %d bytes, %.20q, want %d, %.20q", log, len(got), got, len(want), want)
		}
	}
}
