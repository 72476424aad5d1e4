// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"time"
)

// scene is one case: what there is to download, and what the origin is like.
type scene struct {
	name    string
	about   string
	size    int64         // bytes of all objects
	files   int           // objects
	rate    int64         // bytes a second of one connection; 0 is unlimited
	latency time.Duration // before the first byte of an answer
	disk    int64         // bytes a second that the disk takes; 0 is what it takes
}

// What one connection to S3 gives, roughly: 85 to 90 MB/s (AWS sizes its own transfer
// manager by that), after some 15 ms.
const (
	shapedRate    = 85_000_000
	shapedLatency = 15 * time.Millisecond
	diskRate      = 300_000_000
)

func cases(c config) []scene {
	var scenes []scene
	for _, shaped := range []bool{true, false} {
		for _, files := range []int{1, c.files} {
			s := scene{size: c.size, files: files, name: "Unlimited", about: "The origin answers as fast as the machine can."}
			if shaped {
				s.rate, s.latency = shapedRate, shapedLatency
				s.name, s.about = "Shaped", "Each connection of the origin gives at most 85 MB/s and answers after 15 ms."
			}
			if files == 1 {
				s.name += ", one object"
			} else {
				s.name += fmt.Sprintf(", %d files", files)
			}
			scenes = append(scenes, s)
		}
	}
	return append(scenes, scene{size: c.size / 4, files: 1, disk: diskRate, name: "Disk-bound, one object",
		about: "The disk takes 300 MB/s (a control group's limit on direct writes). A bare sequential writer is the ceiling."})
}

// sizeOf is the size of object i: all are alike, the last takes the rest.
func (s scene) sizeOf(i int) int64 {
	each := s.size / int64(s.files)
	if i == s.files-1 {
		return s.size - each*int64(s.files-1)
	}
	return each
}
