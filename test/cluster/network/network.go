// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// Claim takes the first free slot by making its link on the computer; the kernel sees to it that no two have the same. The
// link's other end lies in the network namespace of the hub, of which hub is a process. Release gives the slot back, and so does
// the end of the hub.
func Claim(hub int) (Plan, error) {
	root, err := netlink.NewHandle()
	if err != nil {
		return Plan{}, err
	}
	defer root.Close()
	for slot := range Slots {
		plan := Plan{Slot: slot}
		err := root.LinkAdd(&netlink.Veth{
			LinkAttrs:     netlink.LinkAttrs{Name: plan.Link()},
			PeerName:      "up0",
			PeerNamespace: netlink.NsPid(hub),
		})
		if errors.Is(err, os.ErrExist) {
			continue
		}
		if err != nil {
			return Plan{}, fmt.Errorf("make link %s: %w", plan.Link(), err)
		}
		return plan, up(root, plan.Link(), plan.machines(plan.Computer()))
	}
	return Plan{}, fmt.Errorf("all %d slots are taken by clusters that run: stop one", Slots)
}

// Release removes the computer's link, and its routes with it. It is no error when there is none.
func (p Plan) Release() error {
	link, err := netlink.LinkByName(p.Link())
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("find link %s: %w", p.Link(), err)
	}
	if err := netlink.LinkDel(link); err != nil {
		return fmt.Errorf("remove link %s: %w", p.Link(), err)
	}
	return nil
}

// WireHub sets up the bridge that all machines hang on, in the network namespace of the hub.
func (p Plan) WireHub(hub int) error {
	h, err := handle(hub)
	if err != nil {
		return err
	}
	defer h.Close()
	bridge := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "br0"}}
	if err := h.LinkAdd(bridge); err != nil {
		return fmt.Errorf("make the bridge: %w", err)
	}
	if err := enslave(h, "up0"); err != nil {
		return err
	}
	if err := up(h, "lo", netip.Prefix{}); err != nil {
		return err
	}
	return up(h, "br0", p.machines(p.Hub()))
}

// WireNode connects node i, of which node is a process, with the bridge, and tells the hub and the computer where its pods are.
// What the node sends to the pods of others goes through the hub.
func (p Plan) WireNode(hub, node, i int) error {
	h, err := handle(hub)
	if err != nil {
		return err
	}
	defer h.Close()
	port := port(i)
	if left, err := h.LinkByName(port); err == nil { // the node was here before, and the kernel tidies up later
		if err := h.LinkDel(left); err != nil {
			return fmt.Errorf("remove link %s: %w", port, err)
		}
	}
	veth := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: port}, PeerName: "eth0", PeerNamespace: netlink.NsPid(node)}
	if err := h.LinkAdd(veth); err != nil {
		return fmt.Errorf("make link %s: %w", port, err)
	}
	if err := enslave(h, port); err != nil {
		return err
	}
	n, err := handle(node)
	if err != nil {
		return err
	}
	defer n.Close()
	if err := up(n, "lo", netip.Prefix{}); err != nil {
		return err
	}
	if err := up(n, "eth0", p.machines(p.Node(i))); err != nil {
		return err
	}
	return p.route(n, h, i)
}

// route tells the computer and the hub where the pods of node i are, and node i that all others are behind the hub.
func (p Plan) route(node, hub *netlink.Handle, i int) error {
	root, err := netlink.NewHandle()
	if err != nil {
		return err
	}
	defer root.Close()
	pods := p.Pods(i)
	for _, r := range []struct {
		from *netlink.Handle
		to   netip.Prefix
		via  netip.Addr
	}{
		{root, pods, p.Node(i)},
		{hub, pods, p.Node(i)},
		{node, netip.PrefixFrom(netip.IPv4Unspecified(), 0), p.Hub()},
	} {
		route := &netlink.Route{Dst: ipNet(r.to), Gw: r.via.AsSlice()}
		if err := r.from.RouteReplace(route); err != nil {
			return fmt.Errorf("route %s via %s: %w", r.to, r.via, err)
		}
	}
	return nil
}

// Cut takes node i off the network; Heal brings it back.
func (p Plan) Cut(hub, i int) error { return setPort(hub, i, (*netlink.Handle).LinkSetDown) }

// Heal undoes Cut.
func (p Plan) Heal(hub, i int) error { return setPort(hub, i, (*netlink.Handle).LinkSetUp) }

func setPort(hub, i int, set func(*netlink.Handle, netlink.Link) error) error {
	h, err := handle(hub)
	if err != nil {
		return err
	}
	defer h.Close()
	link, err := h.LinkByName(port(i))
	if err != nil {
		return fmt.Errorf("find link %s: %w", port(i), err)
	}
	return set(h, link)
}

func port(i int) string { return fmt.Sprintf("n%d", i) }

// handle speaks to the kernel about the network namespace of a process.
func handle(pid int) (*netlink.Handle, error) {
	ns, err := netns.GetFromPid(pid)
	if err != nil {
		return nil, fmt.Errorf("open the network namespace of process %d: %w", pid, err)
	}
	defer ns.Close()
	h, err := netlink.NewHandleAt(ns)
	if err != nil {
		return nil, fmt.Errorf("enter the network namespace of process %d: %w", pid, err)
	}
	return h, nil
}

func enslave(h *netlink.Handle, name string) error {
	bridge, err := h.LinkByName("br0")
	if err != nil {
		return fmt.Errorf("find the bridge: %w", err)
	}
	link, err := h.LinkByName(name)
	if err != nil {
		return fmt.Errorf("find link %s: %w", name, err)
	}
	if err := h.LinkSetMaster(link, bridge); err != nil {
		return fmt.Errorf("put link %s on the bridge: %w", name, err)
	}
	return h.LinkSetUp(link)
}

// up gives a link its address, if it has one, and switches it on.
func up(h *netlink.Handle, name string, address netip.Prefix) error {
	link, err := h.LinkByName(name)
	if err != nil {
		return fmt.Errorf("find link %s: %w", name, err)
	}
	if address.IsValid() {
		if err := h.AddrReplace(link, &netlink.Addr{IPNet: ipNet(address)}); err != nil {
			return fmt.Errorf("give link %s the address %s: %w", name, address, err)
		}
	}
	if err := h.LinkSetUp(link); err != nil {
		return fmt.Errorf("switch link %s on: %w", name, err)
	}
	return nil
}

// ipNet keeps the bits of the host, which an address has and a route has not.
func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
