// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package toolchain builds the programs that a test cluster runs, once, from the Go modules that pin them.
//
// The binaries lie outside the source tree, in a folder per module named after the hash of what they are made of: its go.mod
// and go.sum, its own source, how it is built, the Go release and the platform. So a second run does nothing, checkouts share
// what they have in common, and a change of one version builds one folder anew.
package toolchain

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// CacheVariable names the environment variable that says where the tools are kept; else it is hoist/tools below the user's
// cache folder.
const CacheVariable = "HOIST_TOOLS_CACHE"

// Tools says where each program lies, or will when it has been built.
type Tools struct {
	Kube         string // Kubernetes and etcd: the first argument is the part, as in kube kubelet
	KEDAOperator string
	KEDAAdapter  string
	KWOK         string
	Versity      string // an S3 server

	Containerd string
	Ctr        string
	Shim       string
	Runc       string
	CNI        string // folder of the plugins bridge, host-local and loopback

	KEDACRDs   string // manifests to apply
	KWOKCRDs   string
	KWOKStages string // how simulated nodes and pods live

	CapacityBufferCRD string // of the autoscalers' API
}

// Locate says where the tools of the checkout at root are or would be, and whether they are all there. It builds nothing.
func Locate(ctx context.Context, root string) (tools Tools, complete bool, err error) {
	plan, err := newPlan(ctx, root)
	if err != nil {
		return Tools{}, false, err
	}
	missing := slices.ContainsFunc(plan, func(m module) bool { return !m.complete() })
	return locate(plan), !missing, nil
}

// Ensure builds what is missing, which takes about ten minutes on two cores from nothing and needs the Go module proxy, and
// writes to progress what it does. Two that run at once build once.
func Ensure(ctx context.Context, root string, progress io.Writer) (Tools, error) {
	plan, err := newPlan(ctx, root)
	if err != nil {
		return Tools{}, err
	}
	for _, m := range plan {
		if m.complete() {
			continue
		}
		if err := m.ensure(ctx, progress); err != nil {
			return Tools{}, err
		}
	}
	return locate(plan), nil
}

// Root finds the checkout that the working folder is in.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, kubeModule, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("find the checkout: run this from within it")
		}
	}
}

func (m module) ensure(ctx context.Context, progress io.Writer) error {
	if err := os.MkdirAll(m.dir, 0o755); err != nil {
		return fmt.Errorf("make the folder of the tools: %w", err)
	}
	unlock, err := lock(ctx, m.dir+".lock")
	if err != nil {
		return err
	}
	defer unlock()
	for _, p := range m.products {
		target := filepath.Join(m.dir, p.output())
		if exists(target) {
			continue
		}
		start := time.Now()
		fmt.Fprintf(progress, "cluster-tools: %s ...", p.output())
		if err := m.make(ctx, p, target); err != nil {
			fmt.Fprintln(progress, " failed")
			return err
		}
		fmt.Fprintf(progress, " %.0f s\n", time.Since(start).Seconds())
	}
	return nil
}

// make leaves target whole or not at all, so that what exists is done.
func (m module) make(ctx context.Context, p product, target string) error {
	temporary := target + ".part"
	if err := os.RemoveAll(temporary); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	if err := p.produce(ctx, m.source, temporary); err != nil {
		return fmt.Errorf("make %s: %w", p.output(), err)
	}
	return os.Rename(temporary, target)
}

func (m module) complete() bool {
	return !slices.ContainsFunc(m.products, func(p product) bool { return !exists(filepath.Join(m.dir, p.output())) })
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
