// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package build

import (
	"debug/elf"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// sharedLibraries lists what the dynamic linker would load for a program on this computer, and the linker itself. A static
// program needs none.
func sharedLibraries(program string) ([]string, error) {
	var found []string
	queue := []string{program}
	for len(queue) > 0 {
		file := queue[0]
		queue = queue[1:]
		needed, linker, err := dependencies(file)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
		if linker != "" && !slices.Contains(found, linker) {
			found = append(found, linker)
		}
		for _, name := range needed {
			library, err := findLibrary(name)
			if err != nil {
				return nil, fmt.Errorf("%s needs it: %w", file, err)
			}
			if !slices.Contains(found, library) {
				found = append(found, library)
				queue = append(queue, library)
			}
		}
	}
	return found, nil
}

// dependencies reads an ELF file: the libraries that it names and the dynamic linker that it asks for.
func dependencies(path string) (needed []string, linker string, err error) {
	file, err := elf.Open(path)
	if err != nil {
		return nil, "", err
	}
	defer file.Close()
	if needed, err = file.ImportedLibraries(); err != nil {
		return nil, "", err
	}
	for _, segment := range file.Progs {
		if segment.Type == elf.PT_INTERP {
			name, err := io.ReadAll(segment.Open())
			if err != nil {
				return nil, "", err
			}
			linker = strings.TrimRight(string(name), "\x00")
		}
	}
	return needed, linker, nil
}

// findLibrary looks where Linux distributions keep them.
func findLibrary(name string) (string, error) {
	for _, pattern := range []string{"/lib/*-linux-gnu", "/usr/lib/*-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib"} {
		folders, err := filepath.Glob(pattern)
		if err != nil {
			return "", err
		}
		for _, folder := range folders {
			path := filepath.Join(folder, name)
			if _, err := os.Stat(path); err == nil {
				return path, nil
			}
		}
	}
	return "", fmt.Errorf("find the library %s", name)
}
