// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package inference

import (
	"fmt"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// ParseKind reads the name of a server.
func ParseKind(value string) (Kind, error) {
	var known []string
	for i := range servers {
		if string(servers[i].Kind) == value {
			return servers[i].Kind, nil
		}
		known = append(known, string(servers[i].Kind))
	}
	slices.Sort(known)
	return "", fmt.Errorf("%q: want one of %s", value[:min(len(value), 64)], strings.Join(known, ", "))
}

// Recognize tells a container's server: the one that was named, else by its command, else by its image. It is nil for others.
func Recognize(c *corev1.Container, named Kind) *Server {
	words := Arguments(c)
	for _, is := range []func(*Server) bool{
		func(d *Server) bool { return d.Kind == named },
		func(d *Server) bool {
			return named == "" && slices.ContainsFunc(words, func(w string) bool { return slices.Contains(d.commands, path.Base(w)) })
		},
		func(d *Server) bool {
			return named == "" && slices.ContainsFunc(d.images, func(part string) bool { return strings.Contains(repository(c.Image), part) })
		},
	} {
		if i := slices.IndexFunc(servers, func(d Server) bool { return is(&d) }); i >= 0 {
			return &servers[i]
		}
	}
	return nil
}

// repository is an image's name without tag and digest, in lower case.
func repository(image string) string {
	image, _, _ = strings.Cut(image, "@")
	if i := strings.LastIndex(image, ":"); i > strings.LastIndex(image, "/") {
		image = image[:i]
	}
	return strings.ToLower(image)
}

// Port is where the server of a container listens.
func (s *Server) Port(c *corev1.Container) int32 {
	const highest = 65535
	words := Arguments(c)
	if n := number(words, highest, s.ports...); n > 0 {
		return int32(n)
	}
	if s.portVar != "" {
		value := environment(c, s.portVar)
		if n := number([]string{"port=" + value[strings.LastIndex(value, ":")+1:]}, highest, "port"); n > 0 {
			return int32(n)
		}
	}
	return s.port
}

// Slots is how many requests a container's server is told to work on at a time; 0 is not said.
func (s *Server) Slots(c *corev1.Container) int {
	const most = 100_000
	return number(Arguments(c), most, s.slots...)
}

// Choose gives the container that loads the model: of those that are recognized, or else of all, the first that has a GPU, or the first.
func Choose(containers []*corev1.Container) *corev1.Container {
	rank := func(c *corev1.Container) int {
		n := 0
		if GPUs(c) > 0 {
			n++
		}
		if Recognize(c, "") != nil {
			n += 2
		}
		return n
	}
	best := containers[0]
	for _, c := range containers[1:] {
		if rank(c) > rank(best) {
			best = c
		}
	}
	return best
}
