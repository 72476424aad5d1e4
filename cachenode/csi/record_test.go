// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package csi

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hoist-dev/hoist/cachenode"
)

func TestRecords_WhatIsNoRecordIsSweptAndSaid(t *testing.T) {
	t.Parallel()
	r := started(t)
	if _, err := (node{driver: r.driver}).NodePublishVolume(t.Context(), r.request(t, "web-0", "llama")); err != nil {
		t.Fatal(err)
	}
	r.driver.Close()
	good, err := os.ReadFile(filepath.Join(r.options.Records, recordName("csi-web-0")))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		recordName("cut"): string(good[:len(good)/2]), recordName("empty"): "", recordName("another"): string(good),
		recordName("csi-web-0") + tmpSuffix: string(good), "README": "hello",
	} {
		if err := os.WriteFile(filepath.Join(r.options.Records, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	r.options.Log = slog.New(slog.NewTextHandler(&log, nil))
	if err := r.start(); err != nil {
		t.Fatal(err)
	}
	r.holds(t, 1)
	if n := strings.Count(log.String(), "unreadable record"); n != 4 {
		t.Errorf("%d of 4 dropped records were said: %s", n, &log)
	}
}

func TestRecords_AreForNobodyElse(t *testing.T) {
	t.Parallel()
	r := started(t)
	if _, err := (node{driver: r.driver}).NodePublishVolume(t.Context(), r.request(t, "web-0", "llama")); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]os.FileMode{r.options.Records: 0o700 | os.ModeDir, filepath.Join(r.options.Records, recordName("csi-web-0")): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode() != want {
			t.Errorf("%s has mode %v, %v; want %v", path, info.Mode(), err, want)
		}
	}
}

func TestNew_TakesOverWhatIsMounted(t *testing.T) {
	t.Parallel()
	r := started(t)
	n := node{driver: r.driver}
	for _, pod := range []string{"web-0", "web-1", "web-2"} {
		if _, err := n.NodePublishVolume(t.Context(), r.request(t, pod, "llama")); err != nil {
			t.Fatal(err)
		}
	}
	delete(r.world.mounts, r.request(t, "web-1", "llama").GetTargetPath())
	r.world.mounts[r.request(t, "web-2", "llama").GetTargetPath()][0].state = Open
	r.restart(t)
	r.holds(t, 1)
	if _, err := (node{driver: r.driver}).NodeUnpublishVolume(t.Context(), unrequest(r.request(t, "web-0", "llama"))); err != nil {
		t.Fatal(err)
	}
	r.holds(t, 0)
}

func TestNew_KeepsAVolumeWhoseLeaseIsLost(t *testing.T) {
	t.Parallel()
	r := started(t)
	ask := r.request(t, "web-0", "llama")
	if _, err := (node{driver: r.driver}).NodePublishVolume(t.Context(), ask); err != nil {
		t.Fatal(err)
	}
	r.driver.Close()
	p := r.world.restart()
	r.options.Models, r.options.Mounter = p, p
	r.world.failures["resume"] = 2
	var err error
	if r.driver, err = New(r.options); err != nil {
		t.Fatal(err)
	}
	if all := r.driver.Published(); len(all) != 1 || all[0].Leased {
		t.Fatalf("published %+v, want one without a lease", all)
	}
	if _, err := (node{driver: r.driver}).NodePublishVolume(t.Context(), ask); err == nil {
		t.Fatal("a volume without a lease was said to be published")
	}
	if _, err := (node{driver: r.driver}).NodePublishVolume(t.Context(), ask); err != nil {
		t.Fatal(err)
	}
	r.holds(t, 1)
}

func TestNew_FailedStartGivesLeasesBack(t *testing.T) {
	t.Parallel()
	r := started(t)
	for _, pod := range []string{"web-0", "web-1"} {
		if _, err := (node{driver: r.driver}).NodePublishVolume(t.Context(), r.request(t, pod, "llama")); err != nil {
			t.Fatal(err)
		}
	}
	r.driver.Close()
	p := r.world.restart()
	r.options.Models, r.options.Mounter = p, stateFails{p, new(int)}
	if _, err := New(r.options); err == nil {
		t.Fatal("started without knowing what is mounted")
	}
	if _, leases := r.world.snapshot(); len(leases) > 0 {
		t.Fatalf("leases %v were not given back", leases)
	}
}

// stateFails answers once.
type stateFails struct {
	Mounter
	calls *int
}

func (s stateFails) State(target string) (MountState, error) {
	if *s.calls++; *s.calls > 1 {
		return Unmounted, cachenode.ErrDisk
	}
	return s.Mounter.State(target)
}
