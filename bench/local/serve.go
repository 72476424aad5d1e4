// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package local

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/hoist-dev/hoist/bench/pagecache"
	"github.com/hoist-dev/hoist/bench/result"
)

// serve starts the inference server on a folder, as a process of its own, asks it for a completion as soon as it listens, and ends it. It returns the
// phases since from, when the one before ended, to the answer, which came at answered.
func (b *bench) serve(ctx context.Context, dir string, rate int64, from time.Time) (phases []result.Phase, answered time.Time, err error) {
	cmd := exec.CommandContext(ctx, b.Hoist, "bench", "server", "--model="+dir, "--served-model-name=m", "--listen=127.0.0.1:0", "--service-time=0s",
		"--startup-delay="+b.Startup.String(), "--vram-gbps="+strconv.FormatFloat(float64(rate)/1e9, 'f', -1, 64))
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	said, err := cmd.StderrPipe()
	if err != nil {
		return nil, answered, err
	}
	if err := cmd.Start(); err != nil {
		return nil, answered, fmt.Errorf("start the inference server: %w", err)
	}
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_, _ = io.Copy(io.Discard, said)
		if ended := cmd.Wait(); err == nil && ended != nil {
			err = fmt.Errorf("end the inference server: %w", ended)
		}
	}()
	life, err := listen(said)
	if err != nil {
		return nil, answered, err
	}
	if err := ask(ctx, life.address); err != nil {
		return nil, answered, err
	}
	answered = time.Now()
	return []result.Phase{
		{Name: "server start", Seconds: life.loading.Sub(from).Seconds()},
		{Name: "load weights", Seconds: life.loaded.Sub(life.loading).Seconds(), Bytes: life.bytes},
		{Name: "first answer", Seconds: answered.Sub(life.loaded).Seconds()},
	}, answered, nil
}

// rate is how fast the server may load: what is not in memory no faster than the disk, and all of it no faster than the way to the GPU.
func (b *bench) rate(s *scenario) (int64, error) {
	if b.Disk == 0 {
		return b.GPU, nil
	}
	if s.peer != nil && s.peer.mounts {
		return slower(b.Disk, b.GPU), nil // a look would have the mount open its files
	}
	resident, total, err := pagecache.Resident(b.modelOf(s))
	if err != nil || resident == total {
		return b.GPU, err
	}
	// One rate over all bytes, at which the absent ones take as long as the disk would.
	return slower(int64(float64(b.Disk)*float64(total)/float64(total-resident)), b.GPU), nil
}

// slower is the slower one of two rates, of which 0 is no limit.
func slower(a, b int64) int64 {
	if a == 0 || b == 0 {
		return a + b
	}
	return min(a, b)
}

// life is what the server's log tells of its start.
type life struct {
	loading, loaded time.Time
	bytes           int64
	address         string
}

// listen reads the log until the server listens.
func listen(log io.Reader) (life, error) {
	var l life
	var rest []string
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		var line struct {
			Time    time.Time `json:"time"`
			Message string    `json:"msg"`
			Name    string    `json:"name"`
			Seconds float64   `json:"seconds"`
			Bytes   int64     `json:"bytes"`
			Address string    `json:"address"`
		}
		if json.Unmarshal(lines.Bytes(), &line) != nil {
			rest = append(rest, lines.Text())
			continue
		}
		switch {
		case line.Message == "phase" && line.Name == "weights":
			l.loaded = line.Time
			l.loading = line.Time.Add(-time.Duration(line.Seconds * float64(time.Second)))
		case line.Message == "weights loaded":
			l.bytes = line.Bytes
		case line.Message == "listening":
			l.address = line.Address
			return l, nil
		}
	}
	return l, errors.Join(fmt.Errorf("the inference server ended before it listened: %s", strings.Join(rest, " ")), lines.Err())
}

// ask wants one completion.
func ask(ctx context.Context, address string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/v1/completions", strings.NewReader(`{"model":"m","prompt":"lift","max_tokens":1}`))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Close = true
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("ask the inference server: %w", err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		return errors.Join(fmt.Errorf("the inference server answers %s: %.200s", answer.Status, text), err)
	}
	return nil
}
