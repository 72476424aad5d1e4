// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

//go:generate go test -run ^TestDocs_ -update .

var update = flag.Bool("update", false, "write docs/cli.md instead of comparing it")

const cliPage = "../../docs/cli.md"

// docs/cli.md is what --help says, command by command: it can't fall behind (K4).
func TestDocs_CommandsAreAsDocumented(t *testing.T) {
	t.Setenv("HOIST_ROOT", "") // a default that --help shows
	want := renderCLI()
	if *update {
		if err := os.WriteFile(cliPage, want, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(cliPage)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("docs/cli.md is stale, run make generate (-want +got):\n%s", diff)
	}
}

func renderCLI() []byte {
	var page bytes.Buffer
	page.WriteString("# The command line\n\nWritten by `make generate` from `--help`.\n")
	var visit func(*cobra.Command)
	visit = func(cmd *cobra.Command) {
		if cmd.Hidden || cmd.Name() == "help" || cmd.Name() == "completion" {
			return
		}
		var help bytes.Buffer
		cmd.SetOut(&help)
		cmd.InitDefaultHelpFlag()
		_ = cmd.Help()
		page.WriteString("\n## " + cmd.CommandPath() + "\n\n```text\n" + strings.TrimRight(help.String(), "\n") + "\n```\n")
		for _, sub := range cmd.Commands() {
			visit(sub)
		}
	}
	visit(newRoot())
	page.WriteString("\n## kubectl hoist\n\nUnder the name `kubectl-hoist` in `PATH`, the program is a plugin of kubectl. All of its commands are about a cluster: " +
		"`models`, `nodes`,\n`gpus`, `top`, `plan`, `warm`, `why`, `timeline` and `doctor` as above, and these.\n")
	for _, cmd := range newPlugin(connect).Commands() {
		if slices.Contains([]string{"evict", "pin", "unpin"}, cmd.Name()) {
			visit(cmd)
		}
	}
	return page.Bytes()
}
