// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"k8s.io/apimachinery/pkg/util/wait"
)

// mounted is a mount of a peer, and the process behind it.
type mounted struct {
	dir   string
	cmd   *exec.Cmd
	said  *bytes.Buffer // once it has ended
	ended chan error
}

// How long a peer may take to mount and to end, and how often to look.
const (
	mountWithin = 30 * time.Second
	endWithin   = 60 * time.Second
	lookEvery   = 5 * time.Millisecond
)

// mount starts a peer's mount, and returns once it is there.
func (b *bench) mount(ctx context.Context, p *peer) error {
	cmd, err := b.tool(context.WithoutCancel(ctx), p.command) // it ends by unmount, also after an interruption
	if err != nil {
		return err
	}
	m := &mounted{dir: b.dir(peerFolder), cmd: cmd, said: new(bytes.Buffer), ended: make(chan error, 1)}
	cmd.Stdout, cmd.Stderr = m.said, m.said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // what interrupts the terminal's programs is for us alone
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.program, err)
	}
	b.mounted = m
	go func() { m.ended <- cmd.Wait() }()
	within, cancel := context.WithTimeout(ctx, mountWithin)
	defer cancel()
	err = wait.PollUntilContextCancel(within, lookEvery, true, func(context.Context) (bool, error) {
		select {
		case err := <-m.ended:
			m.ended <- err
			return false, fmt.Errorf("it ended: %w: %.500s", err, m.said)
		default:
		}
		var st unix.Statfs_t
		err := unix.Statfs(m.dir, &st)
		return err == nil && st.Type == unix.FUSE_SUPER_MAGIC, nil
	})
	if err != nil {
		return fmt.Errorf("mount with %s: %w", p.program, errors.Join(err, b.unmount()))
	}
	return nil
}

// unmount ends the mount that there is, and the process behind it.
func (b *bench) unmount() error {
	m := b.mounted
	if m == nil {
		return nil
	}
	b.mounted = nil
	_ = unix.Unmount(m.dir, unix.MNT_DETACH) // it is not there if the process has ended
	timer := time.NewTimer(endWithin)
	defer timer.Stop()
	select {
	case <-m.ended:
		return nil
	case <-timer.C:
	}
	err := syscall.Kill(-m.cmd.Process.Pid, syscall.SIGKILL)
	<-m.ended
	return errors.Join(fmt.Errorf("%s did not end in %v after its mount had gone", m.cmd.Path, endWithin), err)
}
