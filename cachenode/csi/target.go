// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package csi

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/hoist-dev/hoist/cachenode"
)

// pods is the kubelet's folder of pods, the only place where anything is mounted.
type pods struct {
	named string   // as the kubelet names it
	real  string   // the same without symbolic links, as the kernel names it
	root  *os.Root // for directories: never leads out of it
	hook  func(step string) error
}

// target is where a volume of a pod goes, in the kubelet's layout:
// POD-UID/volumes/kubernetes.io~csi/NAME/mount.
type target string

func openPods(named string, hook func(string) error) (*pods, error) {
	if !filepath.IsAbs(named) || filepath.Clean(named) != named {
		return nil, &cachenode.Error{Kind: cachenode.ErrInvalid, Op: "open pods", Subject: named, Err: errors.New("not an absolute, clean path")}
	}
	resolved, err := filepath.EvalSymlinks(named)
	if err != nil {
		return nil, &cachenode.Error{Kind: cachenode.ErrNotFound, Op: "open pods", Subject: named, Err: err,
			Hint: "mount the kubelet's folder of pods into the agent at the same path, with mountPropagation: Bidirectional"}
	}
	root, err := os.OpenRoot(resolved)
	if err != nil {
		return nil, &cachenode.Error{Kind: cachenode.ErrDisk, Op: "open pods", Subject: resolved, Err: err}
	}
	return &pods{named: named, real: resolved, root: root, hook: hook}, nil
}

// parse takes a target path of the kubelet's apart. Anything else is ErrInvalid: a
// path that leads elsewhere would have us mount over, or unmount, what is not ours.
func (p *pods) parse(path string) (target, error) {
	below, ok := strings.CutPrefix(path, strings.TrimSuffix(p.named, "/")+"/")
	parts := strings.Split(below, "/")
	if !ok || filepath.Clean(path) != path || hasControl(path) ||
		len(parts) != 5 || parts[1] != "volumes" || parts[2] != "kubernetes.io~csi" || parts[4] != "mount" {
		return "", &cachenode.Error{Kind: cachenode.ErrInvalid, Op: "target", Subject: fmt.Sprintf("%q", clip(path)),
			Err:  errors.New("not a volume of a pod"),
			Hint: "it must be " + p.named + "/UID/volumes/kubernetes.io~csi/NAME/mount: where is the kubelet's --root-dir?"}
	}
	return target(below), nil
}

// pod is the UID of the pod that t belongs to.
func (t target) pod() string {
	uid, _, _ := strings.Cut(string(t), "/")
	return uid
}

// path is where t is, for the kernel.
func (p *pods) path(t target) string { return filepath.Join(p.real, string(t)) }

// check refuses a target that is reached through a symbolic link. The target itself
// is not looked at: what is mounted there may hang.
func (p *pods) check(t target) error {
	for i, c := range t {
		if c != '/' {
			continue
		}
		info, err := p.root.Lstat(string(t[:i]))
		if errors.Is(err, fs.ErrNotExist) {
			return nil // nor is there anything below it
		}
		if err != nil {
			return p.fault("look at", t, err)
		}
		if !info.IsDir() {
			return &cachenode.Error{Kind: cachenode.ErrInvalid, Op: "target", Subject: p.path(t[:i]), Err: errors.New("not a directory but " + info.Mode().Type().String())}
		}
	}
	return nil
}

// make makes the directory of t, whose parent is the kubelet's to make.
func (p *pods) make(t target) error {
	if err := p.before("mkdir"); err != nil {
		return p.fault("create", t, err)
	}
	if err := p.root.Mkdir(string(t), 0o750); err != nil && !errors.Is(err, fs.ErrExist) {
		return p.fault("create", t, err)
	}
	return nil
}

// remove removes the directory of t, if it is empty: it never takes content along.
func (p *pods) remove(t target) error {
	if err := p.before("rmdir"); err != nil {
		return p.fault("remove", t, err)
	}
	if err := p.root.Remove(string(t)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return p.fault("remove", t, err)
	}
	return nil
}

func (p *pods) before(step string) error {
	if p.hook == nil {
		return nil
	}
	return p.hook(step)
}

func (p *pods) fault(op string, t target, err error) error {
	return &cachenode.Error{Kind: cachenode.ErrDisk, Op: op, Subject: p.path(t), Err: err}
}
