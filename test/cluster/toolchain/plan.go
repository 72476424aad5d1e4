// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package toolchain

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// The modules, relative to the root of the checkout.
const (
	kubeModule    = "test/cluster/tools/kube"
	runtimeModule = "test/cluster/tools/runtime"
	s3Module      = "tools/s3"
	bufferModule  = "test/cluster/tools/capacitybuffer"
)

// module is one go.mod and what is made from it.
type module struct {
	source   string // folder of the go.mod
	dir      string // folder for the products
	products []product
}

// product is one file or folder made from a module.
type product interface {
	output() string // path below the module's folder of products
	recipe() string // whatever makes two products different
	produce(ctx context.Context, source, target string) error
}

const (
	keda = "github.com/kedacore/keda/v2"
	kwok = "sigs.k8s.io/kwok"

	karpenter = "sigs.k8s.io/karpenter"

	// What kubectl and the version endpoint show; a plain go build knows no tag.
	kubeVersion = "-X k8s.io/component-base/version.gitVersion=v1.36.3 -X k8s.io/component-base/version.gitMajor=1" +
		" -X k8s.io/component-base/version.gitMinor=36"
	// Drivers for file systems that no node of ours has, and the headers of which would have to be installed.
	containerdTags = "no_btrfs,no_devmapper,no_zfs,no_aufs"
	cni            = "github.com/containernetworking/plugins/plugins/"
	containerd     = "github.com/containerd/containerd/v2/cmd/"
)

func newPlan(ctx context.Context, root string) ([]module, error) {
	cache, err := cacheFolder()
	if err != nil {
		return nil, err
	}
	plan := []module{
		{source: kubeModule, products: []product{
			binary{name: "kube", pkg: ".", ldflags: kubeVersion},
			binary{name: "keda-operator", pkg: keda + "/cmd/operator"},
			binary{name: "keda-adapter", pkg: keda + "/cmd/adapter"},
			binary{name: "kwok", pkg: kwok + "/cmd/kwok"},
			manifest{name: "keda-crds.yaml", module: keda, kustomization: "config/crd"},
			manifest{name: "kwok-crds.yaml", module: kwok, kustomization: "kustomize/crd"},
			manifest{name: "kwok-stages.yaml", module: kwok, kustomization: "kustomize/stage/fast"},
		}},
		{source: runtimeModule, products: []product{
			binary{name: "containerd", pkg: containerd + "containerd", tags: containerdTags},
			binary{name: "containerd-shim-runc-v2", pkg: containerd + "containerd-shim-runc-v2", tags: containerdTags},
			binary{name: "ctr", pkg: containerd + "ctr", tags: containerdTags},
			// Without the tag unprivileged pods fail: "seccomp: config provided but seccomp not supported".
			binary{name: "runc", pkg: "github.com/opencontainers/runc", tags: "seccomp", cgo: true},
			binary{name: "cni/bridge", pkg: cni + "main/bridge"},
			binary{name: "cni/loopback", pkg: cni + "main/loopback"},
			binary{name: "cni/host-local", pkg: cni + "ipam/host-local"},
		}},
		{source: s3Module, products: []product{
			binary{name: "versitygw", pkg: "github.com/versity/versitygw/cmd/versitygw"},
		}},
		{source: bufferModule, products: []product{
			file{name: "capacitybuffers.yaml", module: karpenter, path: "pkg/apis/crds/autoscaling.x-k8s.io_capacitybuffers.yaml"},
		}},
	}
	for i := range plan {
		m := &plan[i]
		m.source = filepath.Join(root, m.source)
		key, err := m.key(ctx)
		if err != nil {
			return nil, fmt.Errorf("key of %s: %w", m.source, err)
		}
		m.dir = filepath.Join(cache, filepath.Base(m.source)+"-"+key)
	}
	return plan, nil
}

func locate(plan []module) Tools {
	kube, runtime, s3, buffer := plan[0].dir, plan[1].dir, plan[2].dir, plan[3].dir
	return Tools{
		Kube:         filepath.Join(kube, "kube"),
		KEDAOperator: filepath.Join(kube, "keda-operator"),
		KEDAAdapter:  filepath.Join(kube, "keda-adapter"),
		KWOK:         filepath.Join(kube, "kwok"),
		KEDACRDs:     filepath.Join(kube, "keda-crds.yaml"),
		KWOKCRDs:     filepath.Join(kube, "kwok-crds.yaml"),
		KWOKStages:   filepath.Join(kube, "kwok-stages.yaml"),
		Containerd:   filepath.Join(runtime, "containerd"),
		Ctr:          filepath.Join(runtime, "ctr"),
		Shim:         filepath.Join(runtime, "containerd-shim-runc-v2"),
		Runc:         filepath.Join(runtime, "runc"),
		CNI:          filepath.Join(runtime, "cni"),
		Versity:      filepath.Join(s3, "versitygw"),

		CapacityBufferCRD: filepath.Join(buffer, "capacitybuffers.yaml"),
	}
}

func cacheFolder() (string, error) {
	if dir := os.Getenv(CacheVariable); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find a folder for the tools: %w; set %s", err, CacheVariable)
	}
	return filepath.Join(dir, "hoist", "tools"), nil
}
