// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package weights

import (
	"context"
	"fmt"
	"hash/crc32"
	"os"
	"runtime/debug"
	"time"

	"golang.org/x/sys/unix"
)

// VRAM is where weights go.
type VRAM interface {
	// Alloc takes bytes of the device, counted from 0.
	Alloc(ctx context.Context, device int, bytes int64) error
}

// NoVRAM is a computer without a GPU.
type NoVRAM struct{}

// Alloc takes nothing.
func (NoVRAM) Alloc(context.Context, int, int64) error { return nil }

// Options say how to load.
type Options struct {
	Devices        int   // that share every tensor (tensor parallel)
	BytesPerSecond int64 // into all devices together; 0 is as fast as it goes
}

// Result is what was loaded.
type Result struct {
	Bytes  int64
	CRC32C uint32 // of all tensors, in the order in which they were read
}

const (
	window = 8 << 20  // bytes that are read between two looks at the clock
	grain  = 64 << 20 // bytes that are taken of a device at a time
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Load reads every byte of the model into v. It takes as long as the slower of the files and BytesPerSecond.
func (m Model) Load(ctx context.Context, o Options, v VRAM) (Result, error) {
	l := loading{ctx: ctx, options: o, vram: v, start: time.Now(), pending: make([]int64, max(o.Devices, 1))}
	for _, file := range m.Files {
		if err := l.file(file); err != nil {
			return l.result, fmt.Errorf("load %s: %w", file.Path, err)
		}
	}
	return l.result, l.flush(0)
}

type loading struct {
	ctx     context.Context //nolint:containedctx // of one call of Load
	options Options
	vram    VRAM
	start   time.Time
	result  Result
	pending []int64 // bytes of each device that are read and not taken yet
}

// file maps one file and reads its tensors. A page that can't be read, because the file was cut or the disk fails, is an error and
// not the end of the process.
func (l *loading) file(f File) (err error) {
	file, err := os.Open(f.Path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	data, err := unix.Mmap(int(file.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("map it: %w", err)
	}
	defer func() { _ = unix.Munmap(data) }()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("read a page: %v; has the file been cut?", fault)
		}
	}()
	for _, tensor := range f.Tensors {
		if tensor.Offset+tensor.Size > int64(len(data)) {
			return fmt.Errorf("tensor %s ends behind the file: it was cut", tensor.Name)
		}
		if err := l.tensor(data[tensor.Offset : tensor.Offset+tensor.Size]); err != nil {
			return err
		}
	}
	return nil
}

// tensor reads one tensor, of which every device gets an equal share, and the first what is left over.
func (l *loading) tensor(data []byte) error {
	devices := int64(len(l.pending))
	for i := range l.pending {
		l.pending[i] += int64(len(data)) / devices
	}
	l.pending[0] += int64(len(data)) % devices
	for len(data) > 0 {
		part := data[:min(window, len(data))]
		data = data[len(part):]
		l.result.CRC32C = crc32.Update(l.result.CRC32C, castagnoli, part)
		l.result.Bytes += int64(len(part))
		if err := l.pace(); err != nil {
			return err
		}
	}
	return l.flush(grain)
}

// flush takes what is pending of the devices that have at least that much.
func (l *loading) flush(least int64) error {
	for device, bytes := range l.pending {
		if bytes == 0 || bytes < least {
			continue
		}
		if err := l.vram.Alloc(l.ctx, device, bytes); err != nil {
			return err
		}
		l.pending[device] = 0
	}
	return nil
}

// pace waits until the bytes read so far may have arrived, counted from the start so that errors don't add up.
func (l *loading) pace() error {
	if l.options.BytesPerSecond <= 0 {
		return l.ctx.Err()
	}
	due := l.start.Add(time.Duration(float64(l.result.Bytes) / float64(l.options.BytesPerSecond) * float64(time.Second)))
	wait := time.NewTimer(time.Until(due))
	defer wait.Stop()
	select {
	case <-l.ctx.Done():
		return l.ctx.Err()
	case <-wait.C:
		return nil
	}
}
