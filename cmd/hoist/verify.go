// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/agent"
	"github.com/hoist-dev/hoist/cachenode/disk"
	"github.com/hoist-dev/hoist/cachenode/fetch"
)

func newVerify() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "verify DIR|MODEL",
		Short: "Read every byte of a copy and compare it with its checksums",
		Long: `Read every byte of a copy and compare it with the checksums taken when it was downloaded.

DIR is a directory that hoist get made. ` + nameHelp + `
A copy in the node's cache that fails is quarantined; a directory is left as it is, and the next
hoist get mends it. Exit code 9 says that something is wrong.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if isModelDir(args[0]) {
				return verifyDir(cmd, args[0])
			}
			return withCache(cmd, func(cache agent.Cache) error {
				c, err := cache.Verify(cmd.Context(), args[0])
				if err == nil {
					_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is intact (%d files, %s)\n", label(c), c.Files, humanize.IBytes(uint64(c.Bytes)))
				}
				return err
			})
		},
	}
	addRoot(cmd)
	return cmd
}

func isModelDir(path string) bool {
	info, err := os.Stat(filepath.Join(path, cachenode.Reserved))
	return err == nil && info.IsDir()
}

func verifyDir(cmd *cobra.Command, path string) (err error) {
	log, err := logger(cmd)
	if err != nil {
		return err
	}
	var read, total atomic.Int64
	dir, err := disk.OpenDir(path, disk.DirOptions{Logger: log, OnRead: func(n int64) { read.Add(n) }})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	if m, err := dir.Manifest(); err == nil {
		total.Store(m.Bytes())
	}
	stop := newMeter(cmd.ErrOrStderr(), false, false).start(cmd.Context(), func() fetch.Snapshot {
		return fetch.Snapshot{Phase: "verifying", Done: read.Load(), Total: total.Load()}
	})
	m, err := dir.Verify(cmd.Context())
	stop()
	if err == nil {
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is intact (%d files, %s, revision %s)\n", path, len(m.Files), humanize.IBytes(uint64(m.Bytes())), m.Revision().Short())
	}
	return err
}
