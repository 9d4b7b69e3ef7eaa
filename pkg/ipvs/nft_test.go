package ipvs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// ask gets n pages of the virtual address, each by a connection of its own, and
// counts the answers.
func (w *world) ask(n int, url string) map[string]int {
	w.t.Helper()
	got := map[string]int{}
	for range n {
		in(w.t, w.client, func() error {
			// The connection is made by this very thread, in the client's namespace.
			addr := strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/")
			c, err := net.DialTimeout("tcp", addr, 2*time.Second)
			if err != nil {
				return err
			}
			defer c.Close()
			client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true,
				DialContext: func(context.Context, string, string) (net.Conn, error) { return c, nil }}}
			r, err := client.Get(url)
			if err != nil {
				return err
			}
			defer r.Body.Close()
			b, err := io.ReadAll(r.Body)
			got[string(b)]++
			return err
		})
	}
	return got
}

func (w *world) apply(n *NFT, t Table) {
	w.t.Helper()
	in(w.t, w.director, func() error { return n.Apply(context.Background(), t) })
}

func dest(addr string, f Forward, weight int) Destination {
	return Destination{netip.MustParseAddrPort(addr), f, weight}
}

// Real connections through a director that has no IPVS: by turns, by weight,
// without those of weight 0, to another port, by hash, and as direct routing is
// approximated.
func TestNFTDistributes(t *testing.T) {
	w := newWorld(t)
	w.server("s1", "10.88.1", 80)
	w.server("s2", "10.88.2", 80)
	w.server("s3", "10.88.3", 8080)
	var n NFT
	vip := netip.MustParseAddrPort("10.88.9.1:80")
	s := Service{Protocol: TCP, Addr: vip, Scheduler: "rr", Destinations: []Destination{
		dest("10.88.1.2:80", Masq, 1), dest("10.88.2.2:80", Masq, 5), dest("10.88.3.2:8080", Masq, 1)}}
	expect := func(asked int, want string) {
		t.Helper()
		w.apply(&n, Table{s})
		got := w.ask(asked, "http://10.88.9.1:80/")
		if text := fmt.Sprint(got); text != want {
			t.Errorf("%s %v: %s, want %s", s.Scheduler, s.Destinations, text, want)
		}
	}
	// Masq: the servers see the client.
	expect(6, "map[s1 10.88.0.2:2 s2 10.88.0.2:2 s3 10.88.0.2:2]")
	s.Scheduler = "wrr"
	s.Destinations[1].Weight = 2
	expect(8, "map[s1 10.88.0.2:2 s2 10.88.0.2:4 s3 10.88.0.2:2]")
	s.Destinations[1].Weight = 0 // a real server that does not answer
	expect(6, "map[s1 10.88.0.2:3 s3 10.88.0.2:3]")
	s.Scheduler, s.Destinations[1].Weight = "sh", 1
	w.apply(&n, Table{s})
	if got := w.ask(6, "http://10.88.9.1:80/"); len(got) != 1 {
		t.Errorf("sh: %v", got)
	}
	s.Scheduler, s.Persistent = "rr", 60*time.Second
	w.apply(&n, Table{s})
	if got := w.ask(6, "http://10.88.9.1:80/"); len(got) != 1 {
		t.Errorf("persistent: %v", got)
	}
	// Direct routing: the servers see the director.
	s.Persistent, s.Destinations = 0, []Destination{dest("10.88.1.2:80", Route, 1), dest("10.88.2.2:80", Tunnel, 1)}
	expect(4, "map[s1 10.88.1.1:2 s2 10.88.2.1:2]")
	if said := strings.Join(Table{s}.Approximations(), "; "); said != "TCP 10.88.9.1:80: destination 10.88.1.2 is reached by NAT, and sees the director as client; TCP 10.88.9.1:80: destination 10.88.2.2 is reached by NAT, and sees the director as client" {
		t.Errorf("approximations: %s", said)
	}

	// What somebody changes is repaired, once, and counted.
	in(t, w.director, func() error { return exec.Command("nft", "flush", "chain", "ip", tableName, "prerouting").Run() })
	w.apply(&n, Table{s})
	w.apply(&n, Table{s})
	if n.Repairs != 1 {
		t.Errorf("%d repairs", n.Repairs)
	}
	expect(2, "map[s1 10.88.1.1:1 s2 10.88.2.1:1]")
	in(t, w.director, func() error { return n.Clear(context.Background()) })
	in(t, w.director, func() error {
		out, err := exec.Command("nft", "list", "ruleset").Output()
		if len(out) > 0 {
			t.Errorf("left behind: %s", out)
		}
		return err
	})
}

// A whole big table is applied in a fraction of a second; IPv6, marks and UDP are taken.
func TestNFTBigTable(t *testing.T) {
	if _, err := exec.LookPath("nft"); err != nil {
		t.Skip("SKIPPED: nft is not installed")
	}
	ns := newNS(t)
	var big Table
	for i := range 500 {
		s := Service{Protocol: TCP, Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, byte(i / 250), byte(i % 250)}), 80), Scheduler: "wrr"}
		for j := range 20 {
			s.Destinations = append(s.Destinations, Destination{netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(2 + i/250), byte(i % 250), byte(j)}), 80), Masq, 1 + j%3})
		}
		big = append(big, s)
	}
	big = append(big, Service{Protocol: UDP, Addr: netip.MustParseAddrPort("[fd00::1]:53"), Scheduler: "rr", Destinations: []Destination{dest("[fd00::2]:53", Route, 1)}},
		Service{Mark: 7, Scheduler: "rr", Destinations: []Destination{dest("10.9.0.1:0", Masq, 1), dest("10.9.0.2:0", Route, 1)}},
		Service{Protocol: TCP, Addr: netip.MustParseAddrPort("10.1.9.9:0"), Persistent: time.Minute, Destinations: []Destination{dest("10.9.0.1:0", Masq, 9)}},
		Service{Protocol: TCP, Addr: netip.MustParseAddrPort("10.1.9.8:80")})
	var n NFT
	for range 2 {
		began := time.Now()
		in(t, ns, func() error { return n.Apply(context.Background(), big) })
		took := time.Since(began)
		t.Logf("500 services of 20 destinations: %s", took.Round(time.Millisecond))
		if took > 20*time.Second {
			t.Errorf("it took %s", took)
		}
	}
	if n.Repairs != 0 {
		t.Errorf("%d repairs of what nobody changed", n.Repairs)
	}
}

func TestNoIPVSIsSaid(t *testing.T) {
	err := Available()
	if err == nil {
		t.Skip("SKIPPED: this kernel has IPVS")
	}
	if !errors.Is(err, ErrNoIPVS) || !strings.Contains(err.Error(), "this kernel has no IPVS") {
		t.Error(err)
	}
}
