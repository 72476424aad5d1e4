// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package csi

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"github.com/hoist-dev/hoist/cachenode"
)

// BindMounter mounts for real. It needs root (CAP_SYS_ADMIN) and Linux 5.12.
//
// The mount is sealed while it is attached to nothing, and then appears as a whole.
// A bind mount that is remounted read-only afterwards would be writable for a moment
// and, worse, on the node for ever: an agent in a container mounts into its own
// namespace, and the mount propagates from there to the node's, but what a remount
// changes does not (mount_namespaces(7); TestBindMounter_RootPropagatesSealed).
type BindMounter struct{}

var _ Mounter = BindMounter{}

// Bind implements [Mounter]. No symbolic link on the way to target is followed.
func (BindMounter) Bind(source, target string) error {
	tree, err := unix.OpenTree(unix.AT_FDCWD, source, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return mountFault("mount", source, err)
	}
	defer unix.Close(tree) //nolint:errcheck // what was not attached goes with it
	seal := unix.MountAttr{
		Attr_set:    unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOEXEC,
		Propagation: unix.MS_PRIVATE, // what is mounted into the store later is not for pods
	}
	if err := unix.MountSetattr(tree, "", unix.AT_EMPTY_PATH, &seal); err != nil {
		return mountFault("seal mount", target, err)
	}
	at, err := unix.Openat2(unix.AT_FDCWD, target, &unix.OpenHow{
		Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS,
	})
	if err != nil {
		return mountFault("open", target, err)
	}
	defer unix.Close(at) //nolint:errcheck // nothing was written
	return mountFault("mount", target, unix.MoveMount(tree, "", at, "", unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH))
}

// Unmount implements [Mounter]. Who still has a file open keeps it, whatever becomes
// of its name.
func (BindMounter) Unmount(target string) error {
	err := unix.Unmount(target, unix.UMOUNT_NOFOLLOW)
	if errors.Is(err, unix.EBUSY) {
		err = unix.Unmount(target, unix.UMOUNT_NOFOLLOW|unix.MNT_DETACH)
	}
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOENT) {
		return nil // nothing is mounted there
	}
	return mountFault("unmount", target, err)
}

// State implements [Mounter]. It asks the kernel's list: to look at the target would
// hang where its file system does.
func (BindMounter) State(target string) (MountState, error) {
	const list = "/proc/self/mountinfo"
	raw, err := os.ReadFile(list)
	if err != nil {
		return Unmounted, mountFault("read", list, err)
	}
	return stateIn(string(raw), target), nil
}

func mountFault(op, which string, err error) error {
	if err == nil {
		return nil
	}
	hint := ""
	switch {
	case errors.Is(err, unix.EPERM):
		hint = "run the agent as root, privileged"
	case errors.Is(err, unix.ENOSYS):
		hint = "mounting models needs Linux 5.12 or newer"
	}
	return &cachenode.Error{Kind: cachenode.ErrDisk, Op: op, Subject: which, Err: err, Hint: hint}
}
