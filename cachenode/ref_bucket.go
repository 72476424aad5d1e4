// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cachenode

import (
	"fmt"
	"strings"
)

// parseBucket reads "bucket/key".
func parseBucket(rest string) (Ref, string) {
	bucket, key, _ := strings.Cut(rest, "/")
	switch {
	case bucket == "":
		return Ref{}, "no bucket"
	case !validHolder(bucket):
		return Ref{}, fmt.Sprintf("bad bucket name %q", clip(bucket))
	}
	return Ref{Bucket: bucket, Key: key}, ""
}

// parseVersioned reads "bucket/key?versionId=V" too.
func parseVersioned(rest string) (Ref, string) {
	ref, why := parseBucket(rest)
	if at := strings.LastIndex(ref.Key, "?versionId="); at >= 0 && why == "" {
		ref.Key, ref.VersionID = ref.Key[:at], ref.Key[at+len("?versionId="):]
		if ref.VersionID == "" || ref.Dir() {
			return Ref{}, "versionId without an object: a version names one object"
		}
	}
	return ref, why
}

// parseVolume reads "volume/path", with a path that can be looked up element by element.
func parseVolume(rest string) (Ref, string) {
	volume, key, _ := strings.Cut(rest, "/")
	switch {
	case volume == "":
		return Ref{}, "no volume"
	case !validHolder(volume):
		return Ref{}, fmt.Sprintf("bad volume name %q", clip(volume))
	}
	return Ref{Bucket: volume, Key: key}, walkFault(key)
}

// parseFile reads "/path": between the slashes of "file:///" no host has a place.
func parseFile(rest string) (Ref, string) {
	host, key, ok := strings.Cut(rest, "/")
	switch {
	case !ok || host != "":
		return Ref{}, "a file is named by its absolute path"
	case key == "":
		return Ref{}, "no path: the whole file system is no model"
	}
	return Ref{Key: key}, walkFault(key)
}

// validHolder accepts names of buckets, volumes and claims: nothing that means something
// in a path or a host name.
func validHolder(name string) bool {
	return len(name) <= 255 && strings.Trim(name, nameChars) == "" && strings.Trim(name, ".") != ""
}

// walkFault says why a path can't be walked as it is written: it is never rewritten.
func walkFault(key string) string {
	for name := range strings.SplitSeq(strings.TrimSuffix(key, "/"), "/") {
		if name == "." || name == ".." || name == "" && key != "" {
			return fmt.Sprintf("path element %q", name)
		}
	}
	return ""
}
