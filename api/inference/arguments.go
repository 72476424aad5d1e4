// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package inference

import (
	"path"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Arguments are the words that a container is started with. Those of a shell's -c are taken apart, as far as they can be without
// being a shell.
func Arguments(c *corev1.Container) []string {
	var words []string
	all := slices.Concat(c.Command, c.Args)
	for i, word := range all {
		if i > 0 && strings.HasPrefix(all[i-1], "-") && strings.HasSuffix(all[i-1], "c") && isShell(all[0]) {
			words = append(words, strings.Fields(strings.NewReplacer("\\\n", " ", `"`, "", "'", "", ";", " ").Replace(word))...)
			continue
		}
		words = append(words, word)
	}
	return words
}

func isShell(program string) bool {
	return slices.Contains([]string{"sh", "bash", "ash", "dash", "zsh"}, path.Base(program))
}

// flag is the value of the last of the flags with one of these names, written as --name value or --name=value; "" where there is none.
func flag(words []string, names ...string) (value string) {
	for i, word := range words {
		name, joined, cut := strings.Cut(word, "=")
		if !slices.Contains(names, name) {
			continue
		}
		switch {
		case cut:
			value = joined
		case i+1 < len(words):
			value = words[i+1]
		}
	}
	return value
}

// number is a flag's value between 1 and most, or 0 where there is none that can be read.
func number(words []string, most int, names ...string) int {
	n, err := strconv.Atoi(flag(words, names...))
	if err != nil || n < 1 || n > most {
		return 0
	}
	return n
}

// environment is the value of a container's variable, or "" where it has none, or one that comes from elsewhere.
func environment(c *corev1.Container, name string) string {
	for i := range c.Env {
		if c.Env[i].Name == name {
			return c.Env[i].Value
		}
	}
	return ""
}
