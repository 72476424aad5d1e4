// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !cgo

package fakegpu_test

import (
	"errors"
	"io"
)

func observe(string, io.Reader, io.Writer) error {
	return errors.New("built without cgo, which go-nvml needs")
}
