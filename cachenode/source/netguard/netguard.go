// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package netguard decides which addresses a client of an origin may connect to.
//
// Names in URIs are input: a name that looks public can resolve to the metadata
// service of the cloud, and can resolve differently the second time. So the
// decision is made on the address itself, in the dialer, after DNS and directly
// before connect(2). Whatever spelling a host had (decimal, hexadecimal,
// IPv4-mapped IPv6), it is an address by then.
//
// Link-local addresses and the metadata services of the clouds are refused
// always: no model lives there, credentials do.
package netguard

import (
	"fmt"
	"net/netip"
	"slices"
	"syscall"

	"github.com/hoist-dev/hoist/cachenode"
)

// Policy says which addresses may be dialed. The zero value allows public
// addresses only.
type Policy struct {
	Loopback bool           // 127.0.0.0/8 and ::1
	Private  bool           // RFC 1918, RFC 4193 (IPv6 unique local), RFC 6598 (100.64.0.0/10)
	Deny     []netip.Prefix // refused although the rest would allow it, such as a cluster's own networks
}

// Check returns nil, or ErrUnsafe that says why p refuses addr.
func (p Policy) Check(addr netip.Addr) error {
	if why := p.fault(embedded(addr)); why != "" {
		return &cachenode.Error{
			Kind: cachenode.ErrUnsafe, Op: "connect to", Subject: addr.String(), Err: fmt.Errorf("%s", why),
			Hint: "origins may not live there; check the endpoint and what its name resolves to",
		}
	}
	return nil
}

// Control is a [net.Dialer] Control function: it refuses a connection whose
// address p does not allow.
func (p Policy) Control(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return &cachenode.Error{Kind: cachenode.ErrUnsafe, Op: "connect to", Subject: address, Err: err}
	}
	return p.Check(at.Addr())
}

func (p Policy) fault(ip netip.Addr) string {
	switch {
	case !unicast(ip):
		return "not the address of one host"
	case ip.IsLinkLocalUnicast():
		return "link-local address"
	case contains(metadata[:], ip):
		return "address of a cloud's metadata service"
	case contains(p.Deny, ip):
		return "address in a denied network"
	case ip.IsLoopback() && !p.Loopback:
		return "loopback address"
	case !p.Private && (ip.IsPrivate() || sharedSpace.Contains(ip)):
		return "private address"
	}
	return ""
}

func unicast(ip netip.Addr) bool {
	return ip.IsValid() && !ip.IsMulticast() && ip != broadcast && !ip.IsUnspecified() && !thisNetwork.Contains(ip)
}

var (
	thisNetwork = netip.MustParsePrefix("0.0.0.0/8")     // RFC 1122 §3.2.1.3
	sharedSpace = netip.MustParsePrefix("100.64.0.0/10") // RFC 6598
	broadcast   = netip.MustParseAddr("255.255.255.255")
	nat64       = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052
)

// metadata services outside of the link-local range.
var metadata = [...]netip.Prefix{
	netip.MustParsePrefix("fd00:ec2::/32"),      // AWS
	netip.MustParsePrefix("fd20:ce::254/128"),   // Google Cloud
	netip.MustParsePrefix("fd00:c1::/32"),       // Oracle Cloud
	netip.MustParsePrefix("168.63.129.16/32"),   // Azure
	netip.MustParsePrefix("100.100.100.200/32"), // Alibaba Cloud
}

// embedded is the IPv4 address that the kernel or a NAT64 gateway would really
// connect to, or ip itself without its zone.
func embedded(ip netip.Addr) netip.Addr {
	ip = ip.Unmap().WithZone("")
	if ip.Is6() && nat64.Contains(ip) {
		raw := ip.As16()
		return netip.AddrFrom4([4]byte(raw[12:]))
	}
	return ip
}

func contains(networks []netip.Prefix, ip netip.Addr) bool {
	return slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(ip) })
}
