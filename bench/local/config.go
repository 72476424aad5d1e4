// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package local

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hoist-dev/hoist/bench/origin"
	"github.com/hoist-dev/hoist/bench/result"
)

// Config says what to measure.
type Config struct {
	Hoist     string      // path of the hoist binary
	Server    string      // path of the versitygw binary; not for a Source
	Source    string      // s3://bucket/prefix/ of a model that is there already, with the credentials of the environment; "" makes one
	Dir       string      // where to work; a folder of its own is made in it and removed
	Model     Model       // what to make
	Size      int64       // bytes of it; 0 is the model's own
	Runs      int         // of each scenario
	Scenarios []string    // names; none is all
	Peers     bool        // also what somebody would use instead of Hoist, as far as it is installed
	Programs  []string    // folders with programs of peers, before those of PATH
	Road      origin.Road // to the origin that is made
	Disk      int64       // bytes a second that the loader reads of what is not in memory at most, by a token bucket in it; 0 is no limit
	GPU       int64       // bytes a second that the loader takes into VRAM at most; 0 is no limit
	Startup   time.Duration
	Command   string            // what repeats it
	Version   string            // of hoist
	Step      func(step string) // is told what is being done; may be nil
}

func (c Config) check() error {
	if c.Runs < 1 {
		return fmt.Errorf("%d runs: at least one is needed", c.Runs)
	}
	for _, name := range c.Scenarios {
		if find(name) == nil {
			return fmt.Errorf("there is no scenario %q: choose from %s", name, strings.Join(slices.Concat(Scenarios(), PeerScenarios()), ", "))
		}
	}
	return nil
}

func (c Config) step(format string, values ...any) {
	if c.Step != nil {
		c.Step(fmt.Sprintf(format, values...))
	}
}

// settings are what a reader must know beside machine and model.
func (c Config) settings() []result.Setting {
	limit := func(rate int64) string {
		if rate == 0 {
			return "none"
		}
		return fmt.Sprintf("%.0f MB/s", float64(rate)/1e6)
	}
	settings := []result.Setting{{Name: "inference server", Value: fmt.Sprintf("simulated, as vLLM; %v of imports, nothing compiled", c.Startup)}}
	if c.Source != "" {
		settings = append(settings, result.Setting{Name: "origin", Value: c.Source})
	} else {
		settings = append(settings, result.Setting{Name: "origin", Value: "versitygw on loopback, through a proxy that delays and limits"},
			result.Setting{Name: "latency of an answer", Value: c.Road.Latency.String()},
			result.Setting{Name: "limit of a connection", Value: limit(c.Road.Connection)})
	}
	disk := limit(c.Disk)
	if c.Disk > 0 {
		disk += ", a token bucket in the loader, for what is not in memory when the server starts; what comes through a mount counts as not"
	}
	return append(settings, result.Setting{Name: "limit of the disk", Value: disk},
		result.Setting{Name: "limit into VRAM", Value: limit(c.GPU)})
}

// Run measures, in rounds of one run of each scenario, and returns what it found. Canceling ctx ends it early and cleans up all the same.
func Run(ctx context.Context, c Config) (result.Result, error) {
	if err := c.check(); err != nil {
		return result.Result{}, err
	}
	b, err := newBench(ctx, c)
	if err != nil {
		return result.Result{}, err
	}
	defer b.close()
	return b.run(ctx)
}
