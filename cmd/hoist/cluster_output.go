// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// format is the value of -o.
type format struct {
	value   string
	allowed []string
}

func (f *format) String() string { return f.value }
func (f *format) Type() string   { return "format" }

func (f *format) Set(s string) error {
	if !slices.Contains(f.allowed, s) {
		return fmt.Errorf("want %s", strings.Join(f.allowed, " or "))
	}
	f.value = s
	return nil
}

func (f *format) wide() bool { return f.value == "wide" }

// machine reports whether a program reads the output.
func (f *format) machine() bool { return f.value == "json" || f.value == "yaml" }

// write writes a value as JSON or YAML.
func (f *format) write(w io.Writer, value any) error {
	out, err := json.MarshalIndent(value, "", "  ")
	if err == nil && f.value == "yaml" {
		out, err = yaml.JSONToYAML(out)
	}
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, strings.TrimRight(string(out), "\n")+"\n")
	return err
}

// writeList writes objects as kubectl does.
func writeList[T any, P interface {
	*T
	client.Object
}](w io.Writer, f *format, kind string, items []T) error {
	for i := range items {
		object := P(&items[i])
		object.GetObjectKind().SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(kind))
		object.SetManagedFields(nil)
	}
	return f.write(w, map[string]any{"apiVersion": "v1", "kind": "List", "items": slices.Concat([]T{}, items)})
}
