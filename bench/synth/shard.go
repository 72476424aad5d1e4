// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package synth

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
)

// The shape of a layer, as Llama 3 8B has it, in elements of two bytes.
const (
	hidden = 4096
	kv     = 1024
	mlp    = 14336

	thinnest = 2 * (2*hidden + 2*kv + 3*mlp + 2) // bytes of a layer that is one column wide
)

// tensor is a matrix of BF16.
type tensor struct {
	name string
	rows int64
	cols int64
}

func (t tensor) bytes() int64 { return t.rows * t.cols * 2 }

// layersOf shares the tensors of as many layers as fit into o.Size out to shards.
// For small sizes the layers are narrower: each shard has a layer at least.
func layersOf(o Options) [][]tensor {
	shards := max(1, int((o.Size+max(o.Shard, 1)-1)/max(o.Shard, 1)))
	perShard := o.Size / int64(shards)
	var out [][]tensor
	number := 0
	for range shards {
		var tensors []tensor
		for left := perShard; left >= thinnest || len(tensors) == 0; {
			layer := layerOf(number, left)
			tensors = append(tensors, layer...)
			for _, t := range layer {
				left -= t.bytes()
			}
			number++
		}
		out = append(out, tensors)
	}
	return out
}

// layerOf is the tensors of one layer, of full width if that fits into most bytes.
func layerOf(number int, most int64) []tensor {
	cols := min(hidden, max(1, most/thinnest))
	var out []tensor
	for _, t := range []struct {
		name string
		rows int64
	}{
		{"input_layernorm", 1}, {"mlp.down_proj", mlp}, {"mlp.gate_proj", mlp}, {"mlp.up_proj", mlp}, {"post_attention_layernorm", 1},
		{"self_attn.k_proj", kv}, {"self_attn.o_proj", hidden}, {"self_attn.q_proj", hidden}, {"self_attn.v_proj", kv},
	} {
		out = append(out, tensor{fmt.Sprintf("model.layers.%d.%s.weight", number, t.name), t.rows, cols})
	}
	return out
}

// shard is a file of these tensors, filled with bytes from seed.
func shard(name string, tensors []tensor, seed uint64) File {
	header := bytes.NewBufferString(`{"__metadata__":{"format":"pt"}`)
	var at int64
	for _, t := range tensors {
		fmt.Fprintf(header, `,%q:{"dtype":"BF16","shape":[%d,%d],"data_offsets":[%d,%d]}`, t.name, t.rows, t.cols, at, at+t.bytes())
		at += t.bytes()
	}
	header.WriteByte('}')
	for header.Len()%8 != 0 {
		header.WriteByte(' ')
	}
	head := binary.LittleEndian.AppendUint64(nil, uint64(header.Len()))
	head = append(head, header.Bytes()...)
	return File{Path: name, Size: int64(len(head)) + at, write: func(w io.Writer) error {
		if _, err := w.Write(head); err != nil {
			return err
		}
		return fill(w, at, seed)
	}}
}

// block is how many bytes are made at a time: each block is the one before, with
// other numbers at the head of each page, which is cheap and repeats nowhere.
const block = 1 << 20

func fill(w io.Writer, n int64, seed uint64) error {
	random := rand.New(rand.NewPCG(seed, 1))
	buf := make([]byte, block)
	for i := 0; i < block; i += 8 {
		binary.LittleEndian.PutUint64(buf[i:], random.Uint64())
	}
	for n > 0 {
		for i := 0; i < block; i += 4096 {
			binary.LittleEndian.PutUint64(buf[i:], random.Uint64())
		}
		p := buf[:min(n, block)]
		if _, err := w.Write(p); err != nil {
			return err
		}
		n -= int64(len(p))
	}
	return nil
}
