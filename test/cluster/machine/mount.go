// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Mount is one thing that a machine sees where its computer has something else.
type Mount struct {
	Kind   MountKind `json:"kind"`
	Source string    `json:"source,omitempty"`
	Target string    `json:"target"` // made when it is not there and its parent may be written
}

// MountKind says what is mounted.
type MountKind string

// The kinds.
const (
	Bind  MountKind = "bind"  // Source is a file or folder of the computer
	Tmpfs MountKind = "tmpfs" // empty, gone with the machine
	Loop  MountKind = "loop"  // Source is an image with a file system
)

// mountAll gives the machine its own view. Nothing that it mounts reaches the computer; what one of its containers mounts does
// reach the others that ask for it (rshared, as systemd makes it on a real node).
func mountAll(mounts []Mount) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	for _, m := range mounts {
		if err := m.mount(); err != nil {
			return fmt.Errorf("mount %s on %s: %w", m.Kind, m.Target, err)
		}
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SHARED, ""); err != nil {
		return fmt.Errorf("make mounts shared: %w", err)
	}
	return nil
}

func (m Mount) mount() error {
	if err := m.makeTarget(); err != nil {
		return err
	}
	switch m.Kind {
	case Bind:
		return unix.Mount(m.Source, m.Target, "", unix.MS_BIND|unix.MS_REC, "")
	case Tmpfs:
		return unix.Mount("tmpfs", m.Target, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755")
	case Loop:
		// mount(8) finds a free loop device and has the kernel release it with the mount.
		out, err := exec.Command("mount", "-o", "loop", m.Source, m.Target).CombinedOutput() //nolint:noctx // before any context
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return m.aroundPageCache()
	}
	return fmt.Errorf("no such kind of mount: %q", m.Kind)
}

// aroundPageCache has the loop device read and write its image directly, where the file system of the image can: else what is in the page cache of a node
// is in that of the computer a second time, and the node has a slow disk and little memory.
func (m Mount) aroundPageCache() error {
	var st unix.Stat_t
	if err := unix.Stat(m.Target, &st); err != nil {
		return err
	}
	device, err := os.OpenFile(fmt.Sprintf("/dev/loop%d", unix.Minor(st.Dev)), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := unix.IoctlSetInt(int(device.Fd()), unix.LOOP_SET_DIRECT_IO, 1); err != nil && !errors.Is(err, unix.EINVAL) {
		return errors.Join(err, device.Close())
	}
	return device.Close()
}

func (m Mount) makeTarget() error {
	if _, err := os.Stat(m.Target); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if source, err := os.Stat(m.Source); m.Kind == Bind && err == nil && !source.IsDir() {
		if err := os.MkdirAll(filepath.Dir(m.Target), 0o755); err != nil {
			return err
		}
		return os.WriteFile(m.Target, nil, 0o600)
	}
	return os.MkdirAll(m.Target, 0o755)
}
