// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/base64"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"time"

	"github.com/minio/crc64nvme"
)

const patternSize = 64 << 20

// pattern is a file of random bytes that has no name any more: what is sent from it
// comes out of the page cache without a copy (sendfile).
func pattern() (*os.File, error) {
	f, err := os.CreateTemp("", "hoist-bench-pattern-")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, err
	}
	var seed [32]byte
	_, err = io.CopyN(f, rand.NewChaCha8(seed), patternSize)
	return f, err
}

// checksums are the CRC64NVMEs of the scene's objects, as S3 encodes them: whoever
// asks for them gets them, and has to do the work.
func checksums(pattern io.ReaderAt, s scene) (map[int64]string, error) {
	sums := map[int64]string{}
	for i := range s.files {
		size := s.sizeOf(i)
		if _, ok := sums[size]; ok {
			continue
		}
		sum := crc64nvme.New()
		for left := size; left > 0; left -= patternSize {
			if _, err := io.Copy(sum, io.NewSectionReader(pattern, 0, min(left, patternSize))); err != nil {
				return nil, err
			}
		}
		sums[size] = base64.StdEncoding.EncodeToString(sum.Sum(nil))
	}
	return sums, nil
}

// send writes n bytes of an object from off on.
func (o *origin) send(w io.Writer, off, n int64) error {
	for n > 0 {
		at := off % patternSize
		part := min(n, patternSize-at)
		// A file of its own for each answer: sendfile moves the file's offset.
		src, err := os.Open(o.path())
		if err != nil {
			return err
		}
		if _, err = src.Seek(at, io.SeekStart); err == nil {
			_, err = io.CopyN(w, src, part)
		}
		_ = src.Close()
		if err != nil {
			return err
		}
		off, n = off+part, n-part
	}
	return nil
}

// shapedListener limits each of its connections to rate bytes a second.
type shapedListener struct {
	net.Listener
	rate int64
}

func (l shapedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &shapedConn{Conn: conn, rate: l.rate}, nil
}

// shapedConn paces what is sent: it may be half a slice ahead of its rate, no more.
type shapedConn struct {
	net.Conn
	rate int64
	free time.Time // when all that was sent so far is due to have left
}

const slice = 256 << 10

// ReadFrom sends in slices, each with sendfile if the source allows it.
func (c *shapedConn) ReadFrom(r io.Reader) (total int64, err error) {
	limited, ok := r.(*io.LimitedReader)
	for {
		var n int64
		if ok {
			n, err = io.CopyN(c.Conn, limited.R, min(slice, limited.N))
			limited.N -= n
		} else {
			n, err = io.CopyN(c.Conn, r, slice)
		}
		total += n
		c.pace(n)
		if err == io.EOF || err == nil && ok && limited.N == 0 { //nolint:errorlint // io.CopyN returns it as it is
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

func (c *shapedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.pace(int64(n))
	return n, err
}

func (c *shapedConn) pace(n int64) {
	now := time.Now()
	if c.free.Before(now) {
		c.free = now
	}
	c.free = c.free.Add(time.Duration(n * int64(time.Second) / c.rate))
	time.Sleep(c.free.Sub(now)) //nolint:forbidigo // it is the rate
}
