// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fakegpu_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hoist-dev/hoist/test/cluster/fakegpu"
)

// node is a driver that serves, and what it wrote.
type node struct {
	*fakegpu.Driver
	socket, state string
	uuid          string // of its one device
	stop          func() error
}

// load starts the driver of a node that has one device, of which processes can take free bytes.
func load(t *testing.T, free int64) node {
	t.Helper()
	dir := t.TempDir()
	n := node{socket: filepath.Join(dir, "socket"), state: filepath.Join(dir, "state", "now")}
	if err := os.Mkdir(filepath.Dir(n.state), 0o700); err != nil {
		t.Fatal(err)
	}
	devices := fakegpu.Devices("node", 1, "NVIDIA H100 80GB HBM3", 1024)
	devices[0].TotalBytes = devices[0].ReservedBytes + free
	n.uuid = devices[0].UUID
	var err error
	if n.Driver, err = fakegpu.NewDriver(n.state, devices); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", n.socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- n.Serve(ctx, listener) }()
	n.stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() { _ = n.stop() })
	return n
}

func (n node) dial(t *testing.T) *fakegpu.Client {
	t.Helper()
	client, err := fakegpu.Dial(t.Context(), n.socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// shown is the one device as the state file shows it, which must always be a valid one.
func (n node) shown(t *testing.T) fakegpu.Device {
	t.Helper()
	text, err := os.ReadFile(n.state)
	if err != nil {
		t.Fatal(err)
	}
	s, err := fakegpu.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s.Devices[0]
}

// waitUnused waits until the state file shows no process.
func (n node) waitUnused(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for len(n.shown(t).Processes) > 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("still held: %+v", n.shown(t).Processes)
		}
	}
}

func TestDriver_ProcessThatDiesGivesItsMemoryBack(t *testing.T) {
	t.Parallel()
	n := load(t, 100)
	holder := start(t, "hold", nil, n.socket, n.uuid, "60")
	if _, err := holder.out.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	want := []fakegpu.Process{{PID: holder.Process.Pid, UsedBytes: 60}}
	if diff := cmp.Diff(want, n.shown(t).Processes); diff != "" {
		t.Fatalf("the state file does not show the process:\n%s", diff)
	}
	if err := holder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	n.waitUnused(t)
	if err := n.dial(t).Alloc(t.Context(), n.uuid, 100); err != nil {
		t.Errorf("the dead process's memory can't be taken: %v", err)
	}
}

func TestDriver_RefusesMoreThanIsFree(t *testing.T) {
	t.Parallel()
	n := load(t, 100)
	client := n.dial(t)
	for _, c := range []struct {
		bytes int64
		fits  bool
	}{{60, true}, {41, false}, {1<<63 - 1, false}, {40, true}, {1, false}} {
		err := client.Alloc(t.Context(), n.uuid, c.bytes)
		if c.fits != (err == nil) || (err != nil && !strings.Contains(err.Error(), "out of memory")) {
			t.Errorf("%d bytes: fits is %v, error %v", c.bytes, c.fits, err)
		}
	}
	if used := n.shown(t).UsedBytes(); used != 100 {
		t.Errorf("%d bytes are used, want 100", used)
	}
}

func TestDriver_FreedMemoryIsFree(t *testing.T) {
	t.Parallel()
	n := load(t, 100)
	client, other := n.dial(t), n.dial(t)
	if err := client.Alloc(t.Context(), n.uuid, 100); err != nil {
		t.Fatal(err)
	}
	if err := other.Free(t.Context(), n.uuid, 1); err == nil {
		t.Error("freed what another connection holds")
	}
	if err := client.Free(t.Context(), n.uuid, 101); err == nil {
		t.Error("freed more than it held")
	}
	if err := client.Free(t.Context(), n.uuid, 70); err != nil {
		t.Fatal(err)
	}
	if err := other.Alloc(t.Context(), n.uuid, 70); err != nil {
		t.Errorf("freed memory can't be taken: %v", err)
	}
	want := n.shown(t)
	if want.UsedBytes() != 100 || len(want.Processes) != 1 {
		t.Errorf("two connections of a process show as %+v, want one process of 100 bytes", want.Processes)
	}
	devices, err := client.Devices(t.Context())
	if diff := cmp.Diff([]fakegpu.Device{want}, devices); err != nil || diff != "" {
		t.Errorf("the driver lists other devices than the file, error %v:\n%s", err, diff)
	}
}

// talk sends one line and returns the driver's answer.
func talk(t *testing.T, conn net.Conn, line string) (answer struct {
	OK    bool
	Error string
}) {
	t.Helper()
	if _, err := io.WriteString(conn, line+"\n"); err != nil {
		t.Fatal(err)
	}
	text, err := bufio.NewReader(conn).ReadBytes('\n')
	if err != nil {
		t.Fatalf("%.80q is not answered: %v", line, err)
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

func TestDriver_MalformedRequestIsAnsweredAndHarmsNothing(t *testing.T) {
	t.Parallel()
	n := load(t, 100)
	conn, err := net.Dial("unix", n.socket)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	device := `"device":` + strconv.Quote(n.uuid)
	for _, line := range []string{
		"", "{", "null", "[]", "\x00\xff", `{"op":"alloc"}`, `{"op":"reset"}`, `{"op":7}`,
		`{"op":"alloc",` + device + `,"bytes":0}`,
		`{"op":"alloc",` + device + `,"bytes":-9223372036854775808}`,
		`{"op":"alloc",` + device + `,"bytes":1e30}`,
		`{"op":"alloc","device":"GPU-other","bytes":1}`,
		`{"op":"free",` + device + `,"bytes":-1}`,
		`{"op":"free",` + device + `,"bytes":1}`,
		`{"op":"devices"}{"op":"devices"}`,
	} {
		if answer := talk(t, conn, line); answer.OK || answer.Error == "" {
			t.Errorf("%q is answered with %+v, want an error", line, answer)
		}
	}
	if answer := talk(t, conn, `{"op":"alloc",`+device+`,"bytes":1}`); !answer.OK {
		t.Errorf("the connection did not go on: %+v", answer)
	}
	if answer := talk(t, conn, strings.Repeat("x", 4096)); answer.Error == "" {
		t.Error("an endless line has no error")
	}
	n.waitUnused(t) // for that ended the connection
	if err := n.stop(); err != nil {
		t.Errorf("the driver failed: %v", err)
	}
}

func TestDriver_TakesThePIDFromTheKernel(t *testing.T) {
	t.Parallel()
	n := load(t, 100)
	conn, err := net.Dial("unix", n.socket)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if a := talk(t, conn, `{"op":"alloc","device":"`+n.uuid+`","bytes":1,"pid":1,"PID":1}`); !a.OK {
		t.Fatal(a.Error)
	}
	want := []fakegpu.Process{{PID: os.Getpid(), UsedBytes: 1}}
	if diff := cmp.Diff(want, n.shown(t).Processes); diff != "" {
		t.Error(diff)
	}
}

func TestDriver_ProcessesAtOnceNeverHoldMoreThanThereIs(t *testing.T) {
	t.Parallel()
	const free, each, processes = 1003, 2, 8
	n := load(t, free)
	var all sync.WaitGroup
	var mu sync.Mutex
	granted := 0
	for range processes {
		client := n.dial(t)
		all.Go(func() {
			for range free / each {
				if client.Alloc(t.Context(), n.uuid, each) != nil {
					continue
				}
				mu.Lock()
				granted++
				mu.Unlock()
			}
		})
	}
	finished := make(chan struct{})
	go func() {
		all.Wait()
		close(finished)
	}()
	for running := true; running; {
		select {
		case <-finished:
			running = false
		default:
			n.shown(t) // which fails on a state that holds too much
		}
	}
	if granted != free/each {
		t.Errorf("%d times %d bytes were granted, want %d", granted, each, free/each)
	}
	if used := n.shown(t).UsedBytes(); used != int64(granted*each) {
		t.Errorf("%d bytes are used, %d were granted", used, granted*each)
	}
}

func TestDriver_MemoryThatCannotBeShownIsRefused(t *testing.T) {
	t.Parallel()
	n := load(t, 100)
	if err := os.RemoveAll(filepath.Dir(n.state)); err != nil {
		t.Fatal(err)
	}
	if err := n.dial(t).Alloc(t.Context(), n.uuid, 1); err == nil {
		t.Error("memory was given that the state file does not show")
	}
	if used := n.Devices()[0].UsedBytes(); used != 0 {
		t.Errorf("%d bytes are used after the refusal", used)
	}
}

func TestDriver_ServeEndsWithAllConnections(t *testing.T) {
	t.Parallel()
	n := load(t, 100)
	client := n.dial(t)
	if err := client.Alloc(t.Context(), n.uuid, 100); err != nil {
		t.Fatal(err)
	}
	if err := n.stop(); err != nil {
		t.Errorf("Serve returned %v, want nil", err)
	}
	if left := n.shown(t).Processes; len(left) != 0 {
		t.Errorf("the state file still shows %+v", left)
	}
	if err := client.Alloc(t.Context(), n.uuid, 1); err == nil {
		t.Error("a stopped driver still answers")
	}
}

func TestClient_RequestEndsWithItsContext(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "socket")
	listener, err := net.Listen("unix", socket) // which never answers
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	client, err := fakegpu.Dial(t.Context(), socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := client.Alloc(ctx, "GPU-a", 1); err == nil || !strings.Contains(err.Error(), context.Canceled.Error()) {
		t.Errorf("want an error that says canceled, got %v", err)
	}
}
