// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package origin

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Volume is a volume that Hoist's pods have mounted, for sources with pvc://.
type Volume struct {
	Path       string   // of where it is mounted
	Namespaces []string // whose Models may read it; "*" is every namespace
}

// Volumes are those of a process, by the claim's name. It is a flag: "claim=C,path=P,namespaces=N+N".
type Volumes map[string]Volume

// String implements [github.com/spf13/pflag.Value].
func (v Volumes) String() string { return fmt.Sprintf("%d volumes", len(v)) }

// Type implements [github.com/spf13/pflag.Value].
func (v Volumes) Type() string { return "volume" }

// Set implements [github.com/spf13/pflag.Value]: it adds one.
func (v Volumes) Set(text string) error {
	fields := map[string]string{}
	for field := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(field, "=")
		fields[name] = value
	}
	path := fields["path"]
	switch {
	case len(fields) != 3 || fields["claim"] == "" || fields["namespaces"] == "" || !filepath.IsAbs(path) || filepath.Clean(path) != path:
		return fmt.Errorf("%q: write it as claim=CLAIM,path=/PATH,namespaces=NAMESPACE+NAMESPACE", text)
	case v[fields["claim"]].Path != "":
		return fmt.Errorf("the claim %q is there twice", fields["claim"])
	}
	v[fields["claim"]] = Volume{Path: path, Namespaces: strings.Split(fields["namespaces"], "+")}
	return nil
}

// open are the mount points that Models of a namespace may read, by claim.
func (v Volumes) open(namespace string) map[string]string {
	open := map[string]string{}
	for claim, volume := range v {
		if slices.Contains(volume.Namespaces, "*") || slices.Contains(volume.Namespaces, namespace) {
			open[claim] = volume.Path
		}
	}
	return open
}
