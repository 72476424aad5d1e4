// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package csi

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"

	"github.com/hoist-dev/hoist/cachenode"
)

// socket is a unix socket that removes its name when it is closed, if it is still its
// own: the next agent may already listen under the same name.
type socket struct {
	net.Listener
	path string
	own  fs.FileInfo
}

// listen opens path for root alone, in place of what an earlier process left there.
func listen(ctx context.Context, path string) (*socket, error) {
	info, err := os.Lstat(path)
	switch {
	case err == nil && info.Mode().Type() != fs.ModeSocket:
		return nil, socketFault(path, errors.New("something is there that is no socket"), "remove it")
	case err == nil:
		err = os.Remove(path)
	case errors.Is(err, fs.ErrNotExist):
		err = nil
	}
	if err != nil {
		return nil, socketFault(path, err, "")
	}
	l, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	if err != nil {
		return nil, socketFault(path, err, "the kubelet makes the folder: is its --root-dir elsewhere, or not mounted into the agent?")
	}
	if u, ok := l.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false)
	}
	own, err := os.Lstat(path)
	if err = errors.Join(err, os.Chmod(path, 0o600)); err != nil {
		_ = l.Close()
		return nil, socketFault(path, err, "")
	}
	return &socket{Listener: l, path: path, own: own}, nil
}

// Close ends the listening and removes the name.
func (s *socket) Close() error {
	if now, err := os.Lstat(s.path); err == nil && os.SameFile(s.own, now) {
		_ = os.Remove(s.path)
	}
	return s.Listener.Close()
}

func socketFault(path string, err error, hint string) error {
	return &cachenode.Error{Kind: cachenode.ErrDisk, Op: "listen on", Subject: path, Err: err, Hint: hint}
}
