// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package network wires the machines of a test cluster, and the computer that they run on, together.
//
// Every cluster has a slot, and every slot a range of its own out of 198.18.0.0/15, which RFC 2544 sets aside for tests of
// networks and which no real network uses. The computer gets one interface into it and one route for each machine's pods; it
// forwards nothing, and nothing of it can be reached but what listens on that interface.
//
//	computer  hoist<slot> .1 ── up0 ┐
//	                              br0 .2   hub: the control plane
//	node 1        eth0 .11 ── n1 ───┤
//	node 2        eth0 .12 ── n2 ───┘
package network

import (
	"fmt"
	"net/netip"
)

const (
	// Slots is how many clusters can run side by side.
	Slots = 32
	// MaxNodes is how many nodes a slot's range has room for.
	MaxNodes = 15

	// ServiceCIDR is the range of cluster IPs. They exist in the nodes' own namespaces alone, so clusters share it.
	ServiceCIDR = "10.96.0.0/16"
	// KubernetesIP is the cluster IP of the API server, the first of the range.
	KubernetesIP = "10.96.0.1"
)

// Plan says which address is whose in one slot.
type Plan struct {
	Slot int `json:"slot"`
}

// Link is the name of the computer's interface into the cluster.
func (p Plan) Link() string { return fmt.Sprintf("hoist%d", p.Slot) }

// Computer is the address of the computer in the cluster: what listens there can be reached from pods.
func (p Plan) Computer() netip.Addr { return p.host(1) }

// Hub is the address of the control plane.
func (p Plan) Hub() netip.Addr { return p.host(2) }

// Node is the address of node i, counted from 1.
func (p Plan) Node(i int) netip.Addr { return p.host(10 + i) }

// Pods is the range of the pods of node i, counted from 1.
func (p Plan) Pods(i int) netip.Prefix {
	return netip.PrefixFrom(p.address(i, 0), 24)
}

// Cluster is the range of all pods and nodes.
func (p Plan) Cluster() netip.Prefix { return netip.PrefixFrom(p.address(0, 0), 20) }

func (p Plan) host(h int) netip.Addr { return p.address(0, h) }

// address is number h of subnet s: 16 subnets of 256 addresses a slot, the first for the machines and one for each node's pods.
func (p Plan) address(s, h int) netip.Addr {
	return netip.AddrFrom4([4]byte{198, byte(18 + p.Slot/16), byte(p.Slot%16*16 + s), byte(h)})
}

// machines is the subnet that all machines are in.
func (p Plan) machines(h netip.Addr) netip.Prefix { return netip.PrefixFrom(h, 24) }
