// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package weights takes a model from its files into the VRAM of a simulated GPU, with the access pattern of vLLM's default loader:
// file by file in sorted order, the header first, then an mmap whose pages are touched tensor by tensor.
package weights

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/formats"
)

// Model is what there is to load.
type Model struct {
	Files []File
	Bytes int64 // of all tensors
}

// File is one file of safetensors.
type File struct {
	Path    string
	Tensors []Tensor // in the order in which they are in the file
}

// Tensor is where a tensor is in its file, in bytes.
type Tensor struct {
	Name         string
	Offset, Size int64
}

const indexName = "model.safetensors.index.json"

// Open reads the headers of the model in dir: the files that its index names, or every *.safetensors when it has none.
func Open(dir string) (Model, error) {
	names, err := fileNames(dir)
	if err != nil {
		return Model{}, err
	}
	var m Model
	for _, name := range names {
		file, err := openFile(filepath.Join(dir, name))
		if err != nil {
			return Model{}, fmt.Errorf("%s: %w", name, err)
		}
		for _, tensor := range file.Tensors {
			m.Bytes += tensor.Size
		}
		m.Files = append(m.Files, file)
	}
	return m, nil
}

func fileNames(dir string) ([]string, error) {
	raw, err := os.ReadFile(filepath.Join(dir, indexName))
	if os.IsNotExist(err) {
		return globbed(dir)
	}
	if err != nil {
		return nil, err
	}
	var index struct {
		WeightMap map[string]string `json:"weight_map"`
	}
	if err := json.Unmarshal(raw, &index); err != nil {
		return nil, fmt.Errorf("%s: %w", indexName, err)
	}
	var names []string
	for _, name := range index.WeightMap {
		if name != filepath.Base(name) || !filepath.IsLocal(name) {
			return nil, fmt.Errorf("%s names %q, which is no file beside it", indexName, name)
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

func globbed(dir string) ([]string, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.safetensors"))
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("%s has no *.safetensors: name the folder of a model", dir)
	}
	for i, path := range paths {
		paths[i] = filepath.Base(path)
	}
	slices.Sort(paths)
	return paths, nil
}

// openFile reads a header, after the check that a hostile one does not pass.
func openFile(path string) (File, error) {
	file, err := os.Open(path)
	if err != nil {
		return File{}, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return File{}, err
	}
	if err := (formats.Inspector{}).Whole(cachenode.File{Path: filepath.Base(path), Size: info.Size()}, file); err != nil {
		return File{}, err
	}
	var length [8]byte
	if _, err := file.ReadAt(length[:], 0); err != nil {
		return File{}, err
	}
	raw := make([]byte, binary.LittleEndian.Uint64(length[:]))
	if _, err := file.ReadAt(raw, int64(len(length))); err != nil {
		return File{}, err
	}
	var header map[string]struct {
		Offsets [2]int64 `json:"data_offsets"`
	}
	if err := json.Unmarshal(raw, &header); err != nil {
		return File{}, err
	}
	delete(header, "__metadata__")
	f := File{Path: path}
	for name, tensor := range header {
		f.Tensors = append(f.Tensors, Tensor{Name: name, Offset: int64(len(length)+len(raw)) + tensor.Offsets[0], Size: tensor.Offsets[1] - tensor.Offsets[0]})
	}
	slices.SortFunc(f.Tensors, func(a, b Tensor) int { return cmp.Or(cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Name, b.Name)) })
	return f, nil
}
