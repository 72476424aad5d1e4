// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	gofuse "github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// fuse mounts a file system with one file, hello, and serves until it is told to end. What a server that was killed has left
// mounted there answers "transport endpoint is not connected" to everything, so that is taken away first.
func fuse(ctx context.Context, arguments []string) error {
	if len(arguments) != 2 {
		return errors.New("fuse takes a folder and an address")
	}
	folder, address := arguments[0], arguments[1]
	if err := unix.Unmount(folder, unix.MNT_DETACH); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("take the old mount off %s: %w", folder, err)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	server, err := fs.Mount(folder, &fuseRoot{}, &fs.Options{MountOptions: gofuse.MountOptions{
		AllowOther: true, DirectMount: true, DirectMountStrict: true, FsName: "testpod", Name: "testpod",
	}})
	if err != nil {
		return fmt.Errorf("mount on %s: %w", folder, err)
	}
	return errors.Join(serve(ctx, []string{address}), server.Unmount())
}

type fuseRoot struct{ fs.Inode }

func (r *fuseRoot) OnAdd(ctx context.Context) {
	file := &fs.MemRegularFile{Data: []byte("hello from fuse\n"), Attr: gofuse.Attr{Mode: 0o444}}
	r.AddChild("hello", r.NewPersistentInode(ctx, file, fs.StableAttr{Mode: syscall.S_IFREG}), false)
}
