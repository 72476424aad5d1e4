// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package weights

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/hoist-dev/hoist/test/cluster/fakegpu"
)

// GPUs are the simulated GPUs that a container was given.
type GPUs struct {
	client *fakegpu.Client
	uuids  []string
}

// OpenGPUs connects to the driver of simulated GPUs. visible names the devices as NVIDIA_VISIBLE_DEVICES does: UUIDs with commas
// between them, or all.
func OpenGPUs(ctx context.Context, socket, visible string) (*GPUs, error) {
	client, err := fakegpu.Dial(ctx, socket)
	if err != nil {
		return nil, err
	}
	g := &GPUs{client: client}
	switch visible {
	case "", "none", "void":
		return nil, errors.Join(errors.New("no GPU is visible: ask for nvidia.com/gpu, or set NVIDIA_VISIBLE_DEVICES"), client.Close())
	case "all":
		devices, err := client.Devices(ctx)
		if err != nil {
			return nil, errors.Join(err, client.Close())
		}
		for _, device := range devices {
			g.uuids = append(g.uuids, device.UUID)
		}
	default:
		g.uuids = strings.Split(visible, ",")
	}
	return g, nil
}

// Count is the number of devices.
func (g *GPUs) Count() int { return len(g.uuids) }

// Alloc implements VRAM.
func (g *GPUs) Alloc(ctx context.Context, device int, bytes int64) error {
	if device >= len(g.uuids) {
		return fmt.Errorf("device %d of %d: lower --tensor-parallel, or ask for more of nvidia.com/gpu", device, len(g.uuids))
	}
	return g.client.Alloc(ctx, g.uuids[device], bytes)
}

// Close gives all memory back.
func (g *GPUs) Close() error { return g.client.Close() }
