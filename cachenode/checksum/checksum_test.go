// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package checksum_test

import (
	"encoding/base64"
	"encoding/binary"
	"testing"

	"pgregory.net/rapid"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/checksum"
)

func TestQuick(t *testing.T) {
	if checksum.Chunk([]byte("123456789")) != 0xe3069283 {
		t.Fatal("crc32c")
	}
	v := binary.BigEndian.AppendUint64(nil, 0xae8b14860a799888)
	o, err := checksum.NewObject(cachenode.Checksum{Algorithm: "CRC64NVME", Value: base64.StdEncoding.EncodeToString(v)}, 9, nil)
	if err != nil {
		t.Fatal(err)
	}
	o.Add(4, []byte("56789"))
	o.Add(0, []byte("1234"))
	if err := o.Verify(); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.SliceOf(rapid.Byte()).Draw(t, "a"), rapid.SliceOf(rapid.Byte()).Draw(t, "b")
		if checksum.Combine32C(checksum.Chunk(a), checksum.Chunk(b), int64(len(b))) != checksum.Chunk(append(append([]byte{}, a...), b...)) {
			t.Fatal("combine")
		}
	})
}
