// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package csi

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	spec "github.com/container-storage-interface/spec/lib/go/csi"
	"golang.org/x/sys/unix"
)

func needRoot(t *testing.T) {
	t.Helper()
	err := canMount(t)
	if err == nil {
		return
	}
	if os.Getenv("HOIST_REQUIRE_ROOT_TESTS") == "1" {
		t.Fatal(err)
	}
	t.Skip(err)
}

func canMount(t *testing.T) error {
	t.Helper()
	if os.Geteuid() != 0 {
		return errors.New("needs root, to mount")
	}
	at := t.TempDir()
	return errors.Join(BindMounter{}.Bind(t.TempDir(), at), BindMounter{}.Unmount(at))
}

// mountpoint is a directory that nothing stays mounted on.
func mountpoint(t *testing.T, path string) string {
	t.Helper()
	if err := os.MkdirAll(path, 0o750); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for unix.Unmount(path, unix.MNT_DETACH) == nil {
			continue
		}
	})
	return path
}

// model is a folder with weights.
func model(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "weights"), []byte("w"), 0o755); err != nil {
		t.Fatal(err)
	}
	return folder
}

func wantSealed(t *testing.T, target string) {
	t.Helper()
	var fs unix.Statfs_t
	if err := unix.Statfs(target, &fs); err != nil {
		t.Fatal(err)
	}
	const want = unix.ST_RDONLY | unix.ST_NOSUID | unix.ST_NODEV | unix.ST_NOEXEC
	if fs.Flags&want != want {
		t.Fatalf("%s has flags %x, want %x among them", target, fs.Flags, want)
	}
	if err := os.WriteFile(filepath.Join(target, "new"), nil, 0o600); !errors.Is(err, syscall.EROFS) {
		t.Fatalf("writing answers %v", err)
	}
	if err := os.Chmod(filepath.Join(target, "weights"), 0o777); !errors.Is(err, syscall.EROFS) {
		t.Fatalf("chmod answers %v", err)
	}
	if err := unix.Access(filepath.Join(target, "weights"), unix.X_OK); !errors.Is(err, unix.EACCES) {
		t.Fatalf("it can be run: %v", err)
	}
	if raw, err := os.ReadFile(filepath.Join(target, "weights")); err != nil || string(raw) != "w" {
		t.Fatalf("reads %q, %v", raw, err)
	}
}

func TestBindMounter_RootMountsSealed(t *testing.T) {
	t.Parallel()
	needRoot(t)
	source, target, m := model(t), mountpoint(t, t.TempDir()+`/a b\040`), BindMounter{}
	testMounter(t, m, source, target)
	if err := m.Bind(source, target); err != nil {
		t.Fatal(err)
	}
	wantSealed(t, target)
	if err := os.WriteFile(filepath.Join(source, "of-the-store"), nil, 0o600); err != nil {
		t.Errorf("the store became read-only: %v", err)
	}
}

func TestBindMounter_RootUnmountsWhatIsInUse(t *testing.T) {
	t.Parallel()
	needRoot(t)
	target, m := mountpoint(t, filepath.Join(t.TempDir(), "target")), BindMounter{}
	if err := m.Bind(model(t), target); err != nil {
		t.Fatal(err)
	}
	reader, err := os.Open(filepath.Join(target, "weights"))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if err := m.Unmount(target); err != nil {
		t.Fatal(err)
	}
	if state, err := m.State(target); state != Unmounted || err != nil {
		t.Fatalf("state %v, %v", state, err)
	}
	if _, err := reader.Read(make([]byte, 1)); err != nil {
		t.Errorf("who has a file open lost it: %v", err)
	}
}

func TestBindMounter_RootSeesAWritableMount(t *testing.T) {
	t.Parallel()
	needRoot(t)
	target := mountpoint(t, filepath.Join(t.TempDir(), "target"))
	if err := unix.Mount(model(t), target, "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	if state, err := (BindMounter{}).State(target); state != Open || err != nil {
		t.Fatalf("state %v, %v", state, err)
	}
}

func TestBindMounter_RootFailureMountsNothing(t *testing.T) {
	t.Parallel()
	needRoot(t)
	m, source := BindMounter{}, model(t)
	if err := m.Bind(source, filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("mounted on nothing")
	}
	target := mountpoint(t, filepath.Join(t.TempDir(), "target"))
	if err := m.Bind(filepath.Join(source, "none"), target); err == nil {
		t.Error("mounted nothing")
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	if err := m.Bind(source, link); err == nil {
		t.Error("a symbolic link was followed")
	}
	if state, err := m.State(target); state != Unmounted || err != nil {
		t.Errorf("state %v, %v", state, err)
	}
}

// An agent in a container mounts into its own namespace. The node's, where containers
// are started from, is another peer of the same folder.
func TestBindMounter_RootPropagatesSealed(t *testing.T) {
	t.Parallel()
	needRoot(t)
	ours, nodes := mountpoint(t, filepath.Join(t.TempDir(), "pods")), mountpoint(t, filepath.Join(t.TempDir(), "pods"))
	err := errors.Join(
		unix.Mount("pods", ours, "tmpfs", 0, "size=1m"), unix.Mount("", ours, "", unix.MS_SHARED, ""),
		unix.Mount(ours, nodes, "", unix.MS_BIND, ""), os.Mkdir(filepath.Join(ours, "target"), 0o750))
	if err != nil {
		t.Fatal(err)
	}
	m, target, peer := BindMounter{}, filepath.Join(ours, "target"), filepath.Join(nodes, "target")
	if err := m.Bind(model(t), target); err != nil {
		t.Fatal(err)
	}
	wantSealed(t, target)
	wantSealed(t, peer)
	if err := m.Unmount(target); err != nil {
		t.Fatal(err)
	}
	if state, err := m.State(peer); state != Unmounted || err != nil {
		t.Fatalf("on the node: %v, %v", state, err)
	}
}

func TestDriver_RootMountSurvivesTheAgent(t *testing.T) {
	t.Parallel()
	needRoot(t)
	r := started(t)
	r.driver.Close()
	source := model(t)
	start := func() {
		t.Helper()
		r.options.Models, r.options.Mounter = folder{r.world.restart(), source}, BindMounter{}
		var err error
		if r.driver, err = New(r.options); err != nil {
			t.Fatal(err)
		}
	}
	start()
	ask := r.request(t, "web-0", "llama")
	target := mountpoint(t, ask.GetTargetPath())
	kubelet := spec.NewNodeClient(r.client(t))
	if _, err := kubelet.NodePublishVolume(t.Context(), ask); err != nil {
		t.Fatal(err)
	}
	wantSealed(t, target)
	reader, err := os.Open(filepath.Join(target, "weights"))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	r.driver.Close()
	wantSealed(t, target)
	start()
	if _, leases := r.world.snapshot(); leases["csi-web-0"] != 1 {
		t.Fatalf("leases after a restart: %v", leases)
	}
	n := node{driver: r.driver}
	if _, err := n.NodePublishVolume(t.Context(), ask); err != nil {
		t.Fatal(err)
	}
	if _, err := n.NodeUnpublishVolume(t.Context(), unrequest(ask)); err != nil {
		t.Fatal(err)
	}
	if _, err := reader.Read(make([]byte, 1)); err != nil {
		t.Errorf("the reader lost its file: %v", err)
	}
	if _, err := os.Lstat(target); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the target is left: %v", err)
	}
	if _, err := os.Stat(filepath.Join(source, "weights")); err != nil {
		t.Errorf("the model went with its mount: %v", err)
	}
	r.holds(t, 0)
}

// folder is Models of one folder.
type folder struct {
	*process
	path string
}

func (f folder) Acquire(ctx context.Context, claim Claim) (Lease, error) {
	l, err := f.process.Acquire(ctx, claim)
	l.Path = f.path
	return l, err
}
