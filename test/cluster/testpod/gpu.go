// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/hoist-dev/hoist/test/cluster/fakegpu"
)

// gpu takes memory of each device that the container was given, and holds it until it is told to end.
func gpu(ctx context.Context, arguments []string) error {
	if len(arguments) != 2 {
		return errors.New("gpu takes the driver's socket and a number of mebibytes")
	}
	mebibytes, err := strconv.ParseInt(arguments[1], 10, 32)
	if err != nil {
		return fmt.Errorf("gpu: %w", err)
	}
	client, err := fakegpu.Dial(ctx, arguments[0])
	if err != nil {
		return err
	}
	for uuid := range strings.SplitSeq(os.Getenv("NVIDIA_VISIBLE_DEVICES"), ",") {
		if err := client.Alloc(ctx, uuid, mebibytes<<20); err != nil {
			return errors.Join(err, client.Close())
		}
	}
	<-ctx.Done()
	return client.Close()
}
