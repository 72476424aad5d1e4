// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package toolchain

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// key names all that decides what the products of a module are, in 16 hexadecimal digits.
func (m module) key(ctx context.Context) (string, error) {
	platform, err := run(exec.CommandContext(ctx, "go", "env", "GOVERSION", "GOOS", "GOARCH"))
	if err != nil {
		return "", err
	}
	files, err := filepath.Glob(filepath.Join(m.source, "*.go"))
	if err != nil {
		return "", err
	}
	files = append(files, filepath.Join(m.source, "go.mod"), filepath.Join(m.source, "go.sum"))
	slices.Sort(files)

	sum := sha256.New()
	fmt.Fprintln(sum, strings.Fields(string(platform)))
	for _, p := range m.products {
		fmt.Fprintln(sum, p.recipe())
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(sum, "%s %d\n%s", filepath.Base(file), len(content), content)
	}
	return hex.EncodeToString(sum.Sum(nil)[:8]), nil
}
