// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package formats

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// maxToken is how long one name or value may be, in bytes: what a parser has to hold
// at once. The format knows no limit; no tool is known to write a hundredth of this.
const maxToken = 8 << 20

// maxDepth is how deep values may be nested: a parser remembers each level. It is the
// limit of serde_json, with which the format's own library reads headers.
const maxDepth = 128

// tokens reads JSON token by token, so that its size never becomes memory.
type tokens struct {
	dec   *json.Decoder
	in    *capped
	depth int
}

// newTokens reads the first size bytes of r.
func newTokens(r io.Reader, size int64) *tokens {
	in := &capped{r: io.LimitReader(r, size), size: size}
	dec := json.NewDecoder(in)
	dec.UseNumber()
	in.understood = dec.InputOffset
	return &tokens{dec: dec, in: in}
}

// capped keeps a parser from buffering a token without end, and notices an end that
// comes too early.
type capped struct {
	r          io.Reader
	size       int64 // bytes to come, in all
	got        int64
	cut        bool
	understood func() int64
}

func (c *capped) Read(p []byte) (int, error) {
	if c.got-c.understood() > maxToken {
		return 0, fmt.Errorf("it has a name or value of more than %d bytes", maxToken)
	}
	n, err := c.r.Read(p)
	c.got += int64(n)
	c.cut = c.cut || errors.Is(err, io.EOF) && c.got < c.size
	return n, err //nolint:wrapcheck // io.EOF must pass as it is
}

// verdict is err, or io.ErrUnexpectedEOF if that is because the bytes ended early.
func (t *tokens) verdict(err error) error {
	if err != nil && t.in.cut {
		return io.ErrUnexpectedEOF
	}
	return err
}

// more reports whether the object or array goes on.
func (t *tokens) more() bool { return t.dec.More() }

// next is the next token.
func (t *tokens) next() (json.Token, error) {
	token, err := t.dec.Token()
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, fmt.Errorf("it is no JSON of that kind: %w", err)
	}
	switch token {
	case json.Delim('{'), json.Delim('['):
		t.depth++
	case json.Delim('}'), json.Delim(']'):
		t.depth--
	}
	if t.depth > maxDepth {
		return nil, fmt.Errorf("its JSON is nested more than %d deep", maxDepth)
	}
	return token, nil
}

// end makes sure that nothing but white space follows.
func (t *tokens) end() error {
	if _, err := t.dec.Token(); !errors.Is(err, io.EOF) || t.in.cut {
		return errors.New("something follows its JSON")
	}
	return nil
}

func (t *tokens) delim(want json.Delim) error {
	got, err := t.next()
	if err == nil && got != want {
		err = fmt.Errorf("it has %.80v where %v belongs", got, want)
	}
	return err
}

func (t *tokens) text() (string, error) {
	token, err := t.next()
	if err != nil {
		return "", err
	}
	text, ok := token.(string)
	if !ok {
		return "", fmt.Errorf("it has %.80v where a string belongs", token)
	}
	return text, nil
}

// numbers takes an array of at most most non-negative integers. It is never nil.
func (t *tokens) numbers(most int) ([]uint64, error) {
	if err := t.delim('['); err != nil {
		return nil, err
	}
	out := make([]uint64, 0, 4)
	for t.more() {
		token, err := t.next()
		if err != nil {
			return nil, err
		}
		text, ok := token.(json.Number)
		n, err := strconv.ParseUint(text.String(), 10, 63)
		if !ok || err != nil || len(out) == most {
			return nil, fmt.Errorf("%.40v is out of place", token)
		}
		out = append(out, n)
	}
	return out, t.delim(']')
}

// skip takes any value.
func (t *tokens) skip() error {
	for outside := t.depth; ; {
		if _, err := t.next(); err != nil || t.depth <= outside {
			return err
		}
	}
}
