// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
)

// eat touches every page of that much memory, so that it really is used.
func eat(ctx context.Context, arguments []string) error {
	if len(arguments) != 1 {
		return errors.New("eat takes a number of mebibytes")
	}
	mebibytes, err := strconv.Atoi(arguments[0])
	if err != nil || mebibytes < 1 || mebibytes > 1<<20 {
		return fmt.Errorf("eat %q: want a number of mebibytes", arguments[0])
	}
	memory := make([]byte, mebibytes<<20)
	for i := 0; i < len(memory); i += os.Getpagesize() {
		memory[i] = 1
	}
	<-ctx.Done()
	memory[0] = 0 // used until now
	return nil
}
