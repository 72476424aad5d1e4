// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package synth makes models that look like models and mean nothing: shards of
// safetensors with valid headers and the tensor names and shapes of a Llama, an
// index, and the small files around them. The same options make the same bytes.
package synth

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sync/errgroup"
)

// Options say what to make.
type Options struct {
	Size     int64  // bytes of all weights, about
	Shard    int64  // bytes of one shard, about
	Seed     uint64 // of the bytes
	Revision int    // each revision changes one more shard than the one before
}

// File is one file of a model.
type File struct {
	Path string
	Size int64 // bytes

	write func(io.Writer) error
}

// WriteTo writes the file's content.
func (f File) WriteTo(w io.Writer) (int64, error) {
	buffered := bufio.NewWriterSize(w, 1<<20)
	if err := f.write(buffered); err != nil {
		return 0, err
	}
	return f.Size, buffered.Flush()
}

// Plan lists the files that the options make, by path.
func Plan(o Options) ([]File, error) {
	layers := layersOf(o)
	index := struct {
		Metadata  map[string]int64  `json:"metadata"`
		WeightMap map[string]string `json:"weight_map"`
	}{map[string]int64{}, map[string]string{}}
	var files []File
	for i, tensors := range layers {
		name := fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, len(layers))
		seed := o.Seed<<20 | uint64(i)
		if i < o.Revision {
			seed |= 1 << 19
		}
		files = append(files, shard(name, tensors, seed))
		for _, t := range tensors {
			index.WeightMap[t.name] = name
			index.Metadata["total_size"] += t.bytes()
		}
	}
	for name, content := range map[string]any{
		"model.safetensors.index.json": index,
		"config.json":                  map[string]any{"architectures": []string{"LlamaForCausalLM"}, "model_type": "llama", "hidden_size": hidden, "torch_dtype": "bfloat16"},
		"generation_config.json":       map[string]any{"do_sample": true, "temperature": 0.6, "top_p": 0.9},
		"tokenizer.json":               tokenizer(),
	} {
		raw, err := json.Marshal(content)
		if err != nil {
			return nil, err
		}
		files = append(files, File{Path: name, Size: int64(len(raw)), write: func(w io.Writer) error { _, err := w.Write(raw); return err }})
	}
	slices.SortFunc(files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	return files, nil
}

// Changed names the files that o's revision has other than the one before it.
func Changed(o Options) []string {
	layers := layersOf(o)
	if o.Revision < 1 || o.Revision > len(layers) {
		return nil
	}
	return []string{fmt.Sprintf("model-%05d-of-%05d.safetensors", o.Revision, len(layers))}
}

// Generate writes the model into dir, which is made if it is missing.
func Generate(dir string, o Options) ([]File, error) {
	files, err := Plan(o)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	var group errgroup.Group
	group.SetLimit(2)
	for _, file := range files {
		group.Go(func() error { return file.writeFile(filepath.Join(dir, file.Path)) })
	}
	return files, group.Wait()
}

func (f File) writeFile(path string) error {
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = f.WriteTo(out)
	if closed := out.Close(); err == nil {
		err = closed
	}
	return err
}

// tokenizer is a vocabulary of a few megabytes.
func tokenizer() map[string]any {
	vocabulary := make(map[string]int, 128_000)
	for i := range 128_000 {
		vocabulary[fmt.Sprintf("Ġtoken%06d", i)] = i
	}
	return map[string]any{"version": "1.0", "model": map[string]any{"type": "BPE", "vocab": vocabulary}}
}
