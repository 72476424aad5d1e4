// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package fakegpu

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// The text of a state is made for fgets and sscanf: a device's processes follow it, and sizes are in bytes.
//
//	driver VERSION
//	device INDEX UUID TOTAL RESERVED NAME
//	process INDEX PID USED

// Encode returns the state as text. A state that no node can have is an error.
func (s State) Encode() ([]byte, error) {
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("encode a GPU state: %w", err)
	}
	text := fmt.Appendf(nil, "driver %s\n", s.DriverVersion)
	for _, d := range s.Devices {
		text = fmt.Appendf(text, "device %d %s %d %d %s\n", d.Index, d.UUID, d.TotalBytes, d.ReservedBytes, d.Name)
		for _, p := range d.Processes {
			text = fmt.Appendf(text, "process %d %d %d\n", d.Index, p.PID, p.UsedBytes)
		}
	}
	return text, nil
}

// Parse reads what Encode wrote, byte for byte: a text that Encode would not write is an error, which names the line.
func Parse(text []byte) (State, error) {
	var s State
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		err := s.parseLine(number == 1, line)
		if err == nil {
			err = s.check() // after each line, so that the error names it
		}
		if err != nil {
			return State{}, fmt.Errorf("parse a GPU state: line %d: %w", number, err)
		}
	}
	if number == 0 {
		return State{}, errors.New("parse a GPU state: line 1: want driver VERSION, got the end")
	}
	return s, nil
}

func (s *State) parseLine(first bool, line string) error {
	line, whole := strings.CutSuffix(line, "\n")
	if !whole {
		return errors.New("the line does not end")
	}
	kind, rest, _ := strings.Cut(line, " ")
	switch {
	case first && kind == "driver":
		s.DriverVersion = rest
		return nil
	case !first && kind == "device":
		return s.parseDevice(rest)
	case !first && kind == "process":
		return s.parseProcess(rest)
	case first:
		return fmt.Errorf("want driver VERSION, got %q", line)
	default:
		return fmt.Errorf("want a device or a process, got %q", line)
	}
}

func (s *State) parseDevice(line string) error {
	fields := strings.SplitN(line, " ", 5)
	if len(fields) != 5 {
		return errors.New("want device INDEX UUID TOTAL RESERVED NAME")
	}
	numbers, err := integers(fields[0], fields[2], fields[3])
	if err != nil {
		return err
	}
	s.Devices = append(s.Devices, Device{
		Index: int(numbers[0]), UUID: fields[1], TotalBytes: numbers[1], ReservedBytes: numbers[2], Name: fields[4],
	})
	return nil
}

func (s *State) parseProcess(line string) error {
	fields := strings.Split(line, " ")
	if len(fields) != 3 {
		return errors.New("want process INDEX PID USED")
	}
	numbers, err := integers(fields...)
	if err != nil {
		return err
	}
	last := len(s.Devices) - 1
	if last < 0 || numbers[0] != int64(last) {
		return fmt.Errorf("a process of device %d does not follow that device", numbers[0])
	}
	s.Devices[last].Processes = append(s.Devices[last].Processes, Process{PID: int(numbers[1]), UsedBytes: numbers[2]})
	return nil
}

// integers reads numbers that are written in the one shortest way.
func integers(fields ...string) ([]int64, error) {
	numbers := make([]int64, len(fields))
	for i, field := range fields {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return nil, err
		}
		if strconv.FormatInt(n, 10) != field {
			return nil, fmt.Errorf("number %q: want %d", field, n)
		}
		numbers[i] = n
	}
	return numbers, nil
}

// WriteFile replaces the state at path in one step: a reader sees the state before or this one, never a part. Who shares the
// state with a container mounts the folder, for a mounted file would stay the first one.
func WriteFile(path string, s State) error {
	text, err := s.Encode()
	if err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(path), ".state-*")
	if err != nil {
		return fmt.Errorf("write the GPU state: %w", err)
	}
	_, err = temp.Write(text)
	err = errors.Join(err, temp.Chmod(0o644), temp.Close()) // every process of the node may read it
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		_ = os.Remove(temp.Name())
		return fmt.Errorf("write the GPU state: %w", err)
	}
	return nil
}
