// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"fmt"
	"os"
	"path/filepath"
)

// TrustRegistry has every node pull images from the registry at address, HOST:PORT, over plain HTTP. It holds from the next pull on.
func (c *Cluster) TrustRegistry(address string) error {
	hosts := fmt.Sprintf("server = %q\n[host.%[1]q]\n  capabilities = [\"pull\", \"resolve\"]\n", "http://"+address)
	for i := range c.state.Nodes {
		folder := filepath.Join(c.nodeConfig(i), "certs.d", address)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, "hosts.toml"), []byte(hosts), 0o600); err != nil {
			return err
		}
	}
	return nil
}
