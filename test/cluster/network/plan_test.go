// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"net/netip"
	"testing"
)

// tests is what RFC 2544 sets aside.
var tests = netip.MustParsePrefix("198.18.0.0/15")

// within tells whether all of inner lies in outer.
func within(outer, inner netip.Prefix) bool {
	return outer.Bits() <= inner.Bits() && outer.Contains(inner.Masked().Addr())
}

func TestPlan_SlotsShareNoAddressAndNoLink(t *testing.T) {
	t.Parallel()
	links := map[string]int{}
	for slot := range Slots {
		plan := Plan{Slot: slot}
		if !within(tests, plan.Cluster()) {
			t.Errorf("slot %d: %s is outside of %s", slot, plan.Cluster(), tests)
		}
		for other := range slot {
			if plan.Cluster().Overlaps(Plan{Slot: other}.Cluster()) {
				t.Errorf("slots %d and %d both have some of %s", other, slot, plan.Cluster())
			}
		}
		if other, taken := links[plan.Link()]; taken {
			t.Errorf("slots %d and %d both have link %s", other, slot, plan.Link())
		}
		links[plan.Link()] = slot
	}
	if services := netip.MustParsePrefix(ServiceCIDR); services.Overlaps(tests) || !services.Contains(netip.MustParseAddr(KubernetesIP)) {
		t.Errorf("services %s: want %s in it, and nothing of %s", ServiceCIDR, KubernetesIP, tests)
	}
}

func TestPlan_EveryMachineAndEveryNodesPodsHaveTheirOwn(t *testing.T) {
	t.Parallel()
	for slot := range Slots {
		plan := Plan{Slot: slot}
		// Everybody is on one wire, so finds the others without a route.
		wire := plan.machines(plan.Hub()).Masked()
		machines := map[netip.Addr]string{wire.Addr(): "the network itself"}
		add := func(whose string, address netip.Addr) {
			if other, taken := machines[address]; taken {
				t.Errorf("slot %d: %s and %s both have %s", slot, other, whose, address)
			}
			machines[address] = whose
			if !wire.Contains(address) {
				t.Errorf("slot %d: %s of %s is not on %s", slot, address, whose, wire)
			}
		}
		add("the computer", plan.Computer())
		add("the hub", plan.Hub())
		ranges := []netip.Prefix{wire}
		for i := 1; i <= MaxNodes; i++ {
			add(port(i), plan.Node(i))
			pods := plan.Pods(i)
			if pods != pods.Masked() {
				t.Errorf("slot %d: pods of node %d: %s is an address and no range", slot, i, pods)
			}
			for _, taken := range ranges {
				if pods.Overlaps(taken) {
					t.Errorf("slot %d: pods of node %d have %s, and %s is taken", slot, i, pods, taken)
				}
			}
			ranges = append(ranges, pods)
		}
		for _, r := range ranges {
			if !within(plan.Cluster(), r) {
				t.Errorf("slot %d: %s is outside of the cluster's %s", slot, r, plan.Cluster())
			}
		}
	}
}

// The kernel refuses longer names of links: IFNAMSIZ is 16, with the zero at the end.
func TestPlan_NamesOfLinksAreShort(t *testing.T) {
	t.Parallel()
	names := []string{"br0", "up0", Plan{Slot: Slots - 1}.Link()} // the first two are the hub's, as are the ports
	for i := 1; i <= MaxNodes; i++ {
		names = append(names, port(i))
	}
	seen := map[string]bool{}
	for _, name := range names {
		if len(name) > 15 || seen[name] {
			t.Errorf("%q: want at most 15 characters, and each but once", name)
		}
		seen[name] = true
	}
}

// A route names a range, an address keeps the bits of its host.
func TestIPNet_KeepsTheHost(t *testing.T) {
	t.Parallel()
	plan := Plan{Slot: 17}
	for in, want := range map[netip.Prefix]string{
		plan.machines(plan.Node(3)):                  "198.19.16.13/24",
		plan.Pods(3):                                 "198.19.19.0/24",
		netip.PrefixFrom(netip.IPv4Unspecified(), 0): "0.0.0.0/0",
	} {
		if got := ipNet(in).String(); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}
