// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package file

import (
	"fmt"
	"path"
	"strings"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/source/blocks"
)

// The schemes of the URIs that a Source reads.
const (
	Scheme       = "file" // paths of this machine
	VolumeScheme = "pvc"  // paths in mounted volumes
)

const (
	blockSize = 256 << 10 // bytes of one read(2): a hundred streams have their buffers in 50 MiB
	ahead     = 2         // reads of one stream at a time: fetch has many streams
)

// Source reads mounted file systems. It is safe for concurrent use.
type Source struct {
	scheme  string
	volumes map[string]string // mount points by claim
	blocks  blocks.Reader
}

var _ cachenode.Source = (*Source)(nil)

// New reads file:///path, with the rights of this process.
func New() *Source {
	return &Source{scheme: Scheme, blocks: blocks.Reader{Size: blockSize, Ahead: ahead}}
}

// NewVolumes reads pvc://claim/path in the volumes that are mounted: absolute paths of
// mount points by claim. Another claim is ErrUnsupported.
func NewVolumes(mounted map[string]string) *Source {
	return &Source{scheme: VolumeScheme, volumes: mounted, blocks: blocks.Reader{Size: blockSize, Ahead: ahead}}
}

// place is a name below a folder that nothing below it may leave.
type place struct {
	base string // an absolute path, trusted
	name string // "." or a path below base, checked by os.Root
}

// folder is what ref names, taken for a folder.
func (s *Source) folder(ref cachenode.Ref) (place, error) {
	if s.scheme == VolumeScheme {
		base, err := s.volume(ref.Bucket)
		return place{base, path.Clean(ref.Key)}, err
	}
	return place{path.Clean("/" + ref.Key), "."}, nil
}

// content is where f of a manifest of o is.
func (s *Source) content(o cachenode.Origin, f cachenode.File) (place, error) {
	if s.scheme == VolumeScheme {
		base, err := s.volume(o.Bucket)
		return place{base, f.Source.Key}, err
	}
	name, below := strings.CutPrefix(f.Source.Key, o.Prefix)
	if !below {
		return place{}, &cachenode.Error{Kind: cachenode.ErrInvalid, Op: "open", Subject: s.uri(o.Bucket, f.Source.Key), Err: fmt.Errorf("it is not below %q", o.Prefix)}
	}
	return place{path.Clean("/" + o.Prefix), name}, nil
}

// volume is the mount point of a claim.
func (s *Source) volume(claim string) (string, error) {
	if at, ok := s.volumes[claim]; ok {
		return at, nil
	}
	return "", &cachenode.Error{Kind: cachenode.ErrUnsupported, Op: "open", Subject: VolumeScheme + "://" + claim + "/",
		Err: fmt.Errorf("the volume %q is not mounted here", claim), Hint: "have the chart mount it, for the Model's namespace: volumes"}
}

// uri names a file in messages.
func (s *Source) uri(bucket, key string) string {
	return cachenode.Ref{Scheme: s.scheme, Bucket: bucket, Key: key}.String()
}
