// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package netguard_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/source/netguard"
)

// J4: which addresses an origin may have.
func TestPolicy_RefusesWhereCredentialsLive(t *testing.T) {
	t.Parallel()
	public := netguard.Policy{}
	private := netguard.Policy{Private: true}
	local := netguard.Policy{Loopback: true, Private: true}
	cluster := netguard.Policy{Loopback: true, Private: true, Deny: []netip.Prefix{netip.MustParsePrefix("10.96.0.0/12")}}
	for addr, want := range map[string][4]bool{ // allowed by public, private, local, cluster
		"52.216.1.1":                {true, true, true, true},
		"2600:1f18::1":              {true, true, true, true},
		"64:ff9b::34d8:101":         {true, true, true, true}, // 52.216.1.1 behind NAT64
		"10.0.0.7":                  {false, true, true, true},
		"172.16.0.1":                {false, true, true, true},
		"192.168.1.1":               {false, true, true, true},
		"100.64.0.1":                {false, true, true, true},
		"fd12:3456::1":              {false, true, true, true},
		"::ffff:10.0.0.7":           {false, true, true, true},
		"64:ff9b::a00:7":            {false, true, true, true},
		"10.96.0.1":                 {false, true, true, false},
		"127.0.0.1":                 {false, false, true, true},
		"127.1.2.3":                 {false, false, true, true},
		"::1":                       {false, false, true, true},
		"::ffff:127.0.0.1":          {false, false, true, true},
		"169.254.169.254":           {},
		"169.254.170.2":             {},
		"::ffff:169.254.169.254":    {},
		"64:ff9b::a9fe:a9fe":        {},
		"fe80::1":                   {},
		"fe80::1%lo":                {},
		"fd00:ec2::254":             {},
		"fd20:ce::254":              {},
		"fd00:c1::a9fe:a9fe":        {},
		"168.63.129.16":             {},
		"100.100.100.200":           {},
		"0.0.0.0":                   {},
		"0.1.2.3":                   {},
		"::":                        {},
		"224.0.0.1":                 {},
		"ff02::1":                   {},
		"255.255.255.255":           {},
		"::ffff:255.255.255.255":    {},
		"::ffff:0.0.0.0":            {},
		"::ffff:100.100.100.200":    {},
		"64:ff9b::7f00:1":           {false, false, true, true},
		"2001:db8::169:254:169:254": {true, true, true, true},
	} {
		for i, policy := range []netguard.Policy{public, private, local, cluster} {
			err := policy.Check(netip.MustParseAddr(addr))
			if (err == nil) != want[i] {
				t.Errorf("policy %d on %s: %v, want allowed=%v", i, addr, err, want[i])
			}
			if err != nil && cachenode.KindOf(err) != cachenode.ErrUnsafe {
				t.Errorf("policy %d on %s: kind of %v", i, addr, err)
			}
		}
	}
	if (netguard.Policy{}).Check(netip.Addr{}) == nil {
		t.Error("the zero address is allowed")
	}
	if (netguard.Policy{}).Control("tcp", "nonsense", nil) == nil {
		t.Error("an address that is none is allowed")
	}
}

// J4: however it is embedded, a link-local address stays one.
func TestPolicy_RefusesLinkLocalInEverySpelling(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v4 := netip.AddrFrom4([4]byte{169, 254, rapid.Byte().Draw(t, "c"), rapid.Byte().Draw(t, "d")})
		raw := v4.As4()
		nat64 := [16]byte{0, 0x64, 0xff, 0x9b}
		copy(nat64[12:], raw[:])
		all := netguard.Policy{Loopback: true, Private: true}
		for _, addr := range []netip.Addr{v4, netip.AddrFrom16(v4.As16()), netip.AddrFrom16(nat64)} {
			if all.Check(addr) == nil {
				t.Fatalf("%s is allowed", addr)
			}
		}
	})
}

// J4: hosts in the spellings that getaddrinfo accepts (decimal, hexadecimal, octal,
// short) are addresses when they are dialed, and are judged as such.
func TestDialer_JudgesTheAddressNotTheName(t *testing.T) {
	t.Parallel()
	metadata := netip.MustParseAddr("169.254.169.254")
	dialer := &netguard.Dialer{
		Policy: netguard.Policy{Loopback: true, Private: true},
		Lookup: func(context.Context, string) ([]netip.Addr, error) { return []netip.Addr{metadata}, nil },
	}
	for _, host := range []string{"2852039166", "0xA9FEA9FE", "0251.0376.0251.0376", "169.254.43518", "metadata.example.com"} {
		_, err := dialer.DialContext(t.Context(), "tcp", net.JoinHostPort(host, "80"))
		if !errors.Is(err, cachenode.ErrUnsafe) {
			t.Errorf("%s: %v, want ErrUnsafe", host, err)
		}
	}
	plain := &netguard.Dialer{Policy: netguard.Policy{Loopback: true, Private: true}}
	for _, host := range []string{"169.254.169.254", "::ffff:169.254.169.254", "fd00:ec2::254"} {
		if _, err := plain.DialContext(t.Context(), "tcp", net.JoinHostPort(host, "80")); !errors.Is(err, cachenode.ErrUnsafe) {
			t.Errorf("%s: %v, want ErrUnsafe", host, err)
		}
	}
}

// J4: a name that was harmless when it was first resolved is judged again when it
// is dialed again.
func TestDialer_SurvivesRebinding(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	answers := []string{"127.0.0.1", "169.254.169.254"}
	dialer := &netguard.Dialer{
		Policy: netguard.Policy{Loopback: true},
		Lookup: func(context.Context, string) ([]netip.Addr, error) {
			addr := netip.MustParseAddr(answers[0])
			answers = answers[1:]
			return []netip.Addr{addr}, nil
		},
	}
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	conn, err := dialer.DialContext(t.Context(), "tcp", "rebinding.example.com:"+port)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if _, err := dialer.DialContext(t.Context(), "tcp", "rebinding.example.com:"+port); !errors.Is(err, cachenode.ErrUnsafe) {
		t.Fatalf("second dial: %v, want ErrUnsafe", err)
	}
}

func TestDialer_TakesAddressesInTurn(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	// The server listens on one of these: the others refuse and the dialer moves on.
	dialer := &netguard.Dialer{
		Policy: netguard.Policy{Loopback: true},
		Lookup: func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("127.0.0.9"), netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::1")}, nil
		},
	}
	for range 4 {
		conn, err := dialer.DialContext(t.Context(), "tcp", "many.example.com:"+port)
		if err != nil {
			t.Fatal(err)
		}
		if remote := conn.RemoteAddr().String(); !strings.HasPrefix(remote, "127.0.0.1:") {
			t.Errorf("connected to %s", remote)
		}
		conn.Close()
	}
}

func TestDialer_SpreadsOverFrontEnds(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conn.Close()
		}
	}()
	fronts := []string{"127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"}
	dialer := &netguard.Dialer{
		Policy: netguard.Policy{Loopback: true},
		Lookup: func(context.Context, string) ([]netip.Addr, error) {
			var addrs []netip.Addr
			for _, f := range fronts {
				addrs = append(addrs, netip.MustParseAddr(f))
			}
			return addrs, nil
		},
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	count := map[string]int{}
	for range 8 {
		conn, err := dialer.DialContext(t.Context(), "tcp", "s3.example.com:"+port)
		if err != nil {
			t.Fatal(err)
		}
		host, _, _ := net.SplitHostPort(conn.RemoteAddr().String())
		count[host]++
		conn.Close()
	}
	for _, f := range fronts {
		if count[f] != 2 {
			t.Errorf("%s got %d of 8 connections, want 2: %v", f, count[f], count)
		}
	}
}

func TestDialer_ReportsNamesWithoutAddresses(t *testing.T) {
	t.Parallel()
	dialer := &netguard.Dialer{Lookup: func(context.Context, string) ([]netip.Addr, error) { return nil, nil }}
	_, err := dialer.DialContext(t.Context(), "tcp", "nowhere.example.com:443")
	if dns, ok := errors.AsType[*net.DNSError](err); !ok || dns.Name != "nowhere.example.com" {
		t.Errorf("got %v", err)
	}
	if _, err := dialer.DialContext(t.Context(), "tcp", "no port"); err == nil {
		t.Error("an address without a port is dialed")
	}
}
