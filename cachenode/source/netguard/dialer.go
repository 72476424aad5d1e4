// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package netguard

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"
)

// Dialer opens TCP connections to the addresses that its Policy allows, and takes
// the addresses of a name in turn: the answer for a large origin lists several
// front ends, and a client that always takes the first makes one of them hot.
//
// It is safe for concurrent use and must not be copied.
type Dialer struct {
	Policy  Policy
	Timeout time.Duration                                                // of each connect; 0 is 5 s
	Lookup  func(ctx context.Context, host string) ([]netip.Addr, error) // nil is the system's resolver

	turn atomic.Uint32
}

// maxTries bounds how many addresses of one name a dial tries.
const maxTries = 3

// DialContext resolves the host of address anew and connects to one of its
// addresses. It fits [net/http.Transport]. The error is that of the first address.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("split %q: %w", address, err)
	}
	addrs, err := d.lookup(ctx, host)
	if err != nil {
		return nil, err
	}
	dialer := net.Dialer{Timeout: cmp.Or(d.Timeout, 5*time.Second), KeepAlive: 30 * time.Second, Control: d.Policy.Control}
	var first error
	for _, addr := range spread(addrs, d.turn.Add(1)) {
		conn, err := dialer.DialContext(ctx, network, net.JoinHostPort(addr.String(), port))
		if err == nil {
			return conn, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

// lookup returns at least one address, or an error.
func (d *Dialer) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	find := d.Lookup
	if find == nil {
		find = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	addrs, err := find(ctx, host)
	if err != nil {
		return nil, err //nolint:wrapcheck // a *net.DNSError names the host itself
	}
	if len(addrs) == 0 {
		return nil, &net.DNSError{Err: "no address", Name: host, IsNotFound: true}
	}
	return addrs, nil
}

// spread picks up to maxTries addresses, beginning with another one each turn. The
// family that the resolver put first (RFC 6724) stays in front.
func spread(addrs []netip.Addr, turn uint32) []netip.Addr {
	var preferred, other []netip.Addr
	for _, addr := range addrs {
		if addr = addr.Unmap(); addr.Is4() == addrs[0].Unmap().Is4() {
			preferred = append(preferred, addr)
		} else {
			other = append(other, addr)
		}
	}
	at := int(turn % uint32(len(preferred)))
	order := slices.Concat(preferred[at:], preferred[:at])
	if len(other) > 0 {
		order = append(order[:min(len(order), maxTries-1)], other...)
	}
	return order[:min(len(order), maxTries)]
}
