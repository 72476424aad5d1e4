// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hoist-dev/hoist/test/cluster/preflight"
)

// apart starts a machine with namespaces. Where that can't be the test is skipped, or fails where HOIST_REQUIRE_ROOT_TESTS=1
// says that it must run.
func apart(t *testing.T, spec Spec) Machine {
	t.Helper()
	needs := preflight.Needs{Nodes: true}
	if err := preflight.Check(needs); err != nil && os.Getenv("HOIST_REQUIRE_ROOT_TESTS") == "1" {
		t.Fatal(err)
	}
	preflight.Require(t, needs)
	return switchOn(t, spec)
}

// processes are those in the same process namespace as the machine's first.
func processes(t *testing.T, namespace string) []string {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/ns/pid")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, link := range links {
		if of, err := os.Readlink(link); err == nil && of == namespace {
			found = append(found, link)
		}
	}
	return found
}

// What left its service, its session and its parent behind still belongs to the machine, and ends with it.
func TestRoot_PowerOffEndsWhatServicesHaveLeftBehind(t *testing.T) {
	t.Parallel()
	m := apart(t, Spec{Name: "orphans"})
	namespace, err := os.Readlink(m.Path("/proc/1/ns/pid"))
	if err != nil {
		t.Fatal(err)
	}
	left := Service{
		Name: "parent", Env: []string{"PATH=/usr/bin:/bin"},
		Argv: []string{"/bin/sh", "-c", "setsid sleep 1000 & exit 0"},
	}
	stays := Service{Name: "stays", Argv: []string{"/bin/sleep", "1000"}}
	for _, service := range []Service{left, stays} {
		if err := m.Start(t.Context(), service); err != nil {
			t.Fatal(err)
		}
	}
	awaitEnd(t, m, "parent")
	if found := processes(t, namespace); len(found) != 3 {
		t.Fatalf("in the machine are %v, want its first process, a service and an orphan", found)
	}
	if err := m.PowerOff(t.Context()); err != nil {
		t.Fatal(err)
	}
	if found := processes(t, namespace); len(found) != 0 {
		t.Errorf("after the power was cut there are %v", found)
	}
}

func TestRoot_MachineSeesItsOwnAndTheComputerSeesNoneOfIt(t *testing.T) {
	t.Parallel()
	source, target := t.TempDir(), t.TempDir()
	const parameter = "net/ipv4/ip_default_ttl"
	before := parameters(t, parameter, "kernel/hostname")
	if err := os.WriteFile(filepath.Join(source, "file"), []byte("bound\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	m := apart(t, Spec{
		Name:    "apart",
		Sysctls: map[string]string{parameter: "77"},
		Mounts: []Mount{
			{Kind: Tmpfs, Target: target},
			{Kind: Bind, Source: source, Target: filepath.Join(target, "folder")},
			{Kind: Bind, Source: filepath.Join(source, "file"), Target: filepath.Join(target, "another", "name")},
		},
	})
	look := "cat " + target + "/folder/file " + target + "/another/name /proc/sys/" + parameter + " /proc/sys/kernel/hostname; echo $PPID"
	service := Service{Name: "look", Env: []string{"PATH=/bin"}, Argv: []string{"/bin/sh", "-c", look}}
	if err := m.Start(t.Context(), service); err != nil {
		t.Fatal(err)
	}
	awaitLog(t, m, "look", "bound\nbound\n77\napart\n1\n") // its parent is the first process

	content, err := os.ReadFile(m.Path(filepath.Join(target, "another", "name")))
	if err != nil || string(content) != "bound\n" {
		t.Errorf("from outside, its file is %q, %v", content, err)
	}
	if entries, err := os.ReadDir(target); err != nil || len(entries) != 0 {
		t.Errorf("the computer sees %v, %v", entries, err)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil || strings.Contains(string(mounts), target) {
		t.Errorf("mounted on the computer, %v:\n%s", err, mounts)
	}
	if diff := cmp.Diff(before, parameters(t, parameter, "kernel/hostname")); diff != "" {
		t.Errorf("parameters of the computer (-before +after):\n%s", diff)
	}
}

func parameters(t *testing.T, names ...string) map[string]string {
	t.Helper()
	values := map[string]string{}
	for _, name := range names {
		value, err := os.ReadFile("/proc/sys/" + name)
		if err != nil {
			t.Fatal(err)
		}
		values[name] = string(value)
	}
	return values
}
