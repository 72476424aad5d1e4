// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/hoist-dev/hoist/cachenode/agent"
	"github.com/hoist-dev/hoist/cachenode/disk"
)

// defaultRoot is where a node's cache is, unless --root or HOIST_ROOT says otherwise.
const defaultRoot = "/var/lib/hoist"

const nameHelp = `MODEL is the name of a model, a revision, or the first eight digits of one or more.`

func newLs() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "Show what the node's cache holds",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withCache(cmd, func(cache agent.Cache) error {
				copies, err := cache.List(cmd.Context())
				if err != nil {
					return err
				}
				slices.SortFunc(copies, func(a, b agent.Copy) int { return b.LastUsed.Compare(a.LastUsed) })
				if asJSON {
					return json.NewEncoder(cmd.OutOrStdout()).Encode(slices.Concat([]agent.Copy{}, copies))
				}
				return printCopies(cmd.OutOrStdout(), copies)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	addRoot(cmd)
	return cmd
}

func newEvict() *cobra.Command {
	return newAct("evict MODEL", "Remove a copy from the node's cache",
		"A copy that is pinned or in use stays (exit code 3). A model that hoist serve keeps is in use.", "evicted",
		func(ctx context.Context, cache agent.Cache, name string) (agent.Copy, error) {
			return cache.Evict(ctx, name)
		})
}

func newPin() *cobra.Command {
	return newAct("pin MODEL", "Keep a copy from eviction", "A pin outlives restarts; hoist unpin takes it away.", "pinned",
		func(ctx context.Context, cache agent.Cache, name string) (agent.Copy, error) {
			return cache.Pin(ctx, name, true)
		})
}

func newUnpin() *cobra.Command {
	return newAct("unpin MODEL", "Let a pinned copy be evicted again", "", "unpinned",
		func(ctx context.Context, cache agent.Cache, name string) (agent.Copy, error) {
			return cache.Pin(ctx, name, false)
		})
}

// newAct is a command that does one thing to one copy.
func newAct(use, short, long, done string, act func(context.Context, agent.Cache, string) (agent.Copy, error)) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Long: strings.TrimSpace(short + ". " + long + "\n\n" + nameHelp), Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withCache(cmd, func(cache agent.Cache) error {
				c, err := act(cmd.Context(), cache, args[0])
				if err == nil {
					_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s %s (%s)\n", done, label(c), humanize.IBytes(uint64(c.Bytes)))
				}
				return err
			})
		},
	}
	addRoot(cmd)
	return cmd
}

func addRoot(cmd *cobra.Command) {
	root := os.Getenv("HOIST_ROOT")
	if root == "" {
		root = defaultRoot
	}
	cmd.Flags().String("root", root, "the node's cache; also HOIST_ROOT")
}

// withCache gives use the cache at --root: through the node that serves it, or
// opened here if none does.
func withCache(cmd *cobra.Command, use func(agent.Cache) error) (err error) {
	root, _ := cmd.Flags().GetString("root")
	client := agent.NewClient(filepath.Join(root, agent.ControlSocket))
	if _, err := client.List(cmd.Context()); agent.Served(err) {
		return use(client)
	}
	log, err := logger(cmd)
	if err != nil {
		return err
	}
	store, err := disk.Open(root, disk.Options{Logger: log, Existing: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return use(agent.Local{Store: store})
}

func printCopies(w io.Writer, copies []agent.Copy) error {
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	_, _ = fmt.Fprintln(table, "MODEL\tREVISION\tSIZE\tFILES\tKEPT\tLAST USED\tSOURCE")
	for _, c := range copies {
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s\t%s\t%s\n", orDash(strings.Join(c.Names, ",")), c.Revision.Short(),
			humanize.IBytes(uint64(c.Bytes)), c.Files, orDash(kept(c)), humanize.Time(c.LastUsed), c.Source)
	}
	return table.Flush()
}

// kept says what keeps a copy from eviction.
func kept(c agent.Copy) string {
	var why []string
	if c.Pinned {
		why = append(why, "pinned")
	}
	if c.Leases > 0 {
		why = append(why, "in use")
	}
	return strings.Join(why, ", ")
}

func label(c agent.Copy) string {
	if len(c.Names) > 0 {
		return c.Names[0] + " " + c.Revision.Short()
	}
	return c.Revision.Short()
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
