// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/hoist-dev/hoist/bench/demo"
	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/agent"
)

func newDemo() *cobra.Command {
	size := agent.Bytes(2 << 30)
	var server, dir string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Time a model on its way into a process, without Hoist and with it",
		Long: `Time a model on its way into a process, without Hoist and with it.

Starts an S3 server on loopback, uploads a synthetic model, runs hoist get on it, and cleans up.
Needs three times --size of free disk, and no root, cluster or network. In a checkout: make demo.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			self, err := os.Executable()
			if err != nil {
				return err
			}
			found, err := findServer(server, self)
			if err != nil {
				return err
			}
			return demo.Run(cmd.Context(), demo.Config{Hoist: self, S3Server: found, Size: int64(size), Dir: dir, Out: cmd.OutOrStdout()})
		},
	}
	cmd.Flags().Var(&size, "size", "size of the model")
	cmd.Flags().StringVar(&server, "s3-server", "", "the versitygw binary; looked for in tools/ beside hoist, then in PATH")
	cmd.Flags().StringVar(&dir, "dir", "", "folder on the disk to use; the system's temporary folder if empty")
	return cmd
}

func findServer(given, self string) (string, error) {
	for _, candidate := range []string{given, filepath.Join(filepath.Dir(self), "tools", "versitygw"), "versitygw"} {
		if candidate == "" {
			continue
		}
		if path, err := exec.LookPath(candidate); err == nil {
			return filepath.Abs(path)
		}
	}
	return "", &cachenode.Error{Kind: cachenode.ErrInvalid, Op: "find", Subject: "the S3 server versitygw",
		Hint: "run make demo in a checkout, or name the binary with --s3-server"}
}
