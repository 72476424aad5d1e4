// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"testing"
)

// beHoist in the environment makes the test binary the program itself, so that tests
// run what ships, signals and exit code included, with -race and -cover where they are on.
const beHoist = "HOIST_TEST_BE_HOIST"

func TestMain(m *testing.M) {
	if os.Getenv(beHoist) != "" {
		main()
	}
	code := m.Run()
	sharedS3.stop()
	os.Exit(code)
}
