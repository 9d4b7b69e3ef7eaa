package link

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/pkg/seedrow"
)

// Each kind of medium forms a cluster, finds a peer for datagrams, and carries a
// megabyte each way.
func TestMedia(t *testing.T) {
	seedrow.Shows(t, "002-030", "002-052", "002-055")
	media := map[string]func(l *netLab, c *Config){
		"bcast": func(l *netLab, c *Config) { c.Media = []Medium{{Kind: "bcast", Iface: "eth0", Port: 694}} },
		"udp":   func(l *netLab, c *Config) { c.Media = []Medium{{Kind: "udp", Iface: "eth0", Port: 694}} },
		"mcast": func(l *netLab, c *Config) {
			c.Media = []Medium{{Kind: "mcast", Iface: "eth0", Group: "239.0.0.42", Port: 694, TTL: 1}}
		},
		"mcast6": func(l *netLab, c *Config) {
			c.Media = []Medium{{Kind: "mcast6", Iface: "eth0", Group: "ff02::4242", Port: 694, TTL: 1}}
		},
		"ucast6": func(l *netLab, c *Config) {
			c.Media = nil
			for i := 1; i <= 3; i++ {
				c.Media = append(c.Media, Medium{Kind: "ucast", Iface: "eth0", Address: fmt.Sprintf("fd99::%d", i), Port: 694})
			}
		},
		"bcast and ucast together": func(l *netLab, c *Config) { c.Media = append(c.Media, Medium{Kind: "bcast", Iface: "eth0", Port: 694}) },
		"ucast by name": func(l *netLab, c *Config) {
			c.resolver = nameServer(t)
			for i := range c.Media {
				c.Media[i].Address = strings.Replace(c.Media[i].Address, "10.99.0.", "qlink-host-", 1)
			}
		},
		"autojoin": func(l *netLab, c *Config) {
			// Only node1 is known to all; it must answer the others by where they come from.
			c.Autojoin = true
			c.Nodes, c.Media = []string{"node1"}, []Medium{{Kind: "mcast", Iface: "eth0", Group: "239.0.0.42", Port: 694, TTL: 1}}
		},
	}
	for kind, change := range media {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, 3, 1)
			var nodes []*node
			for i := 1; i <= 3; i++ {
				l.sh("ip -n %s addr add fd99::%d/64 dev eth0 nodad", l.ns(i), i)
				c := l.config(i)
				change(l, &c)
				nodes = append(nodes, l.start(c))
			}
			whole(t, nodes, "eth0")
			for _, a := range nodes {
				for _, b := range nodes {
					if a == b {
						continue
					}
					send(t, a, b, ccm.Bulk, pattern(1<<20, 5))
					from := a.cfg.Self
					eventually(t, 2*time.Second, "datagram", func() bool {
						a.Datagram(b.cfg.Self, []byte("for you "+b.cfg.Self))
						return b.count(func(e ccm.TransportEvent) bool {
							return e.Kind == ccm.DatagramReceived && e.From == from && string(e.Payload) == "for you "+b.cfg.Self
						}) > 0
					})
					eventually(t, 2*time.Second, "RTT", func() bool { return rtt(a, b.cfg.Self) > 0 })
				}
			}
			for _, n := range nodes {
				if k := n.count(func(e ccm.TransportEvent) bool {
					return e.Kind == ccm.DatagramReceived && strings.HasPrefix(string(e.Payload), "for you") && string(e.Payload) != "for you "+n.cfg.Self
				}); k > 0 {
					t.Errorf("%s got %d datagrams for others", n.cfg.Self, k)
				}
			}
		})
	}
}

func rtt(n *node, peer string) time.Duration {
	for _, p := range n.Peers() {
		if p.Name == peer {
			return p.Links[0].RTT
		}
	}
	return 0
}

// nameServer answers for the names qlink-host-N with 10.99.0.N.
func nameServer(t *testing.T) *net.Resolver {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	go func() {
		b := make([]byte, 1500)
		for {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(b[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			m.Response = true
			m.Additionals = nil
			q := m.Questions[0]
			var i int
			if _, err := fmt.Sscanf(q.Name.String(), "qlink-host-%d.", &i); err != nil || q.Type != dnsmessage.TypeA {
				m.RCode = dnsmessage.RCodeNameError
			} else {
				m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 60},
					Body: &dnsmessage.AResource{A: [4]byte{10, 99, 0, byte(i)}}}}
			}
			if out, err := m.Pack(); err == nil {
				c.WriteTo(out, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", c.LocalAddr().String())
	}}
}

// flood sends packets from a node to an address as fast as it can until stop.
func flood(l *netLab, from int, to string, packets [][]byte, stop <-chan struct{}) (sent *int, done *sync.WaitGroup) {
	sent, done = new(int), &sync.WaitGroup{}
	done.Go(func() {
		l.thread(from)()
		defer runtime.UnlockOSThread()
		c, err := net.Dial("udp", to)
		if err != nil {
			l.t.Error(err)
			return
		}
		defer c.Close()
		for {
			select {
			case <-stop:
				return
			default:
			}
			for range 100 {
				c.Write(packets[*sent%len(packets)])
				*sent++
			}
		}
	})
	return sent, done
}

// Bad packets of every kind do not disturb beats.
func TestGarbageFlood(t *testing.T) {
	l := newLab(t, 3, 1) // the third node is the attacker
	var nodes []*node
	for i := 1; i <= 2; i++ {
		c := l.config(i)
		c.Nodes = c.Nodes[:2]
		nodes = append(nodes, l.start(c))
	}
	whole(t, nodes, "eth0")
	f := testFrame()
	f.from, f.to = "node2", "node1"
	wrong := Keys{Sign: 1, ByID: map[int]Key{1: {SHA1, []byte("not the secret")}}}
	packets := [][]byte{
		[]byte("garbage"), pattern(1400, 3), []byte("QR\x09 a version to come"),
		f.encode(nil, newAuthenticator(&wrong, clusterHash("elsewhere", ""))),
		f.encode(nil, newAuthenticator(&wrong, clusterHash(l.prefix, ""))),
	}
	stop := make(chan struct{})
	sent, done := flood(l, 3, "10.99.0.1:694", packets, stop)
	at := time.Now()
	stays(t, 3*time.Second, "the link is up under the flood", func() bool { return nodes[0].up("node2", "eth0") })
	close(stop)
	done.Wait()
	rate := float64(*sent) / time.Since(at).Seconds()
	t.Logf("%d bad packets, %.0f a second; dropped: %v", *sent, rate, nodes[0].Drops())
	if *sent < 100_000 {
		t.Logf("slow machine: fewer than 100,000 packets")
	}
	d := nodes[0].Drops()
	for _, cause := range []string{"garbage", "version", "cluster", "mac"} {
		if d[cause] == 0 {
			t.Errorf("nothing counted as %s: %v", cause, d)
		}
	}
	if d["overrun"] != 0 || !nodes[0].up("node2", "eth0") || nodes[0].log.has("Link node2:eth0 dead.") || nodes[0].log.has("Late heartbeat") {
		t.Errorf("the flood disturbed the beats: %v", d)
	}
	if !nodes[0].log.has("which speaks protocol version 9; this node speaks 1") {
		t.Error("the other version was not told")
	}
}

// Captured frames that are sent again, also from elsewhere, change nothing.
func TestReplay(t *testing.T) {
	t.Parallel()
	l := newLab(t, 2, 1)
	a := l.start(l.config(1))
	// Node 2 is played by the test, which keeps every frame.
	k := l.config(2).Keys
	auth := newAuthenticator(&k, clusterHash(l.prefix, ""))
	var frames [][]byte
	play := make(chan [][]byte)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		l.thread(2)()
		c, err := net.DialUDP("udp", &net.UDPAddr{Port: 694}, net.UDPAddrFromAddrPort(netip.MustParseAddrPort("10.99.0.1:694")))
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		for fs := range play {
			for _, f := range fs {
				c.Write(f)
			}
		}
	}()
	for i := range 50 {
		f := frame{kind: kindBeat, life: 9 << 16, incarnation: 4, sent: uint64(i) * 1e5, flow: 1, seq: uint64(i + 1), from: "node2", payload: []byte{byte(i)}}
		frames = append(frames, f.encode(nil, auth))
	}
	beats := func() int {
		return a.count(func(e ccm.TransportEvent) bool { return e.Kind == ccm.DatagramReceived })
	}
	eventually(t, 2*time.Second, "the socket", func() bool { return a.media[0].(*udp).sock.Load() != nil })
	play <- frames
	eventually(t, 2*time.Second, "50 beats", func() bool { return beats() == 50 })
	play <- frames
	play <- frames[:25]
	eventually(t, 2*time.Second, "75 replays", func() bool { return a.Drops()["replay"] == 75 })
	eventually(t, 3*time.Second, "death", func() bool { return a.state("node2") == "dead" })
	close(play)
	<-ended
	if n := beats(); n != 50 {
		t.Fatalf("%d beats, want 50", n)
	}
}

// Keys change while running without a lost beat.
func TestKeyRotation(t *testing.T) {
	t.Parallel()
	l := newLab(t, 2, 1)
	nodes := []*node{l.start(l.config(1)), l.start(l.config(2))}
	whole(t, nodes, "eth0")
	next := Key{Method: AESGCM, Secret: []byte("another secret")}
	old := l.config(1).Keys.ByID[1]
	for _, k := range []Keys{
		{Sign: 1, ByID: map[int]Key{1: old, 2: next}},
		{Sign: 2, ByID: map[int]Key{1: old, 2: next}},
		{Sign: 2, ByID: map[int]Key{2: next}},
	} {
		for _, n := range nodes {
			if err := n.SetKeys(k); err != nil {
				t.Fatal(err)
			}
			send(t, nodes[0], nodes[1], ccm.Control, pattern(300_000, 4))
		}
	}
	for _, n := range nodes {
		if d := n.Drops(); d["key"]+d["mac"] > 50 || n.log.has("dead") {
			t.Errorf("%v", d)
		}
	}
	if err := nodes[0].SetKeys(Keys{Sign: 3}); err == nil {
		t.Error("keys without a signing key were taken")
	}
	if err := nodes[0].SetKeys(Keys{Sign: 1, ByID: map[int]Key{1: old}}); err != nil {
		t.Fatal(err)
	}
	eventually(t, 3*time.Second, "dead after the wrong key", func() bool { return nodes[1].state("node1") == "dead" })
	eventually(t, time.Second, "sentence", func() bool {
		return nodes[1].log.has("a key that is not in authkeys") && nodes[1].log.has("10.99.0.1:694 and is signed with key 1; authkeys must be the same on all nodes")
	})
}

func TestPingNodes(t *testing.T) {
	seedrow.Shows(t, "002-062", "002-063")
	t.Parallel()
	l := newLab(t, 2, 1)
	c := l.config(1)
	c.PingNodes = []PingNode{{Name: "10.99.0.2", Hosts: []string{"10.99.0.2"}}, {Name: "group", Hosts: []string{"10.99.0.77", "10.99.0.2"}},
		{Name: "nowhere", Hosts: []string{"no-such-host.invalid"}}}
	n := l.start(c)
	for _, p := range []string{"10.99.0.2", "group"} {
		eventually(t, 3*time.Second, p+" answers", func() bool { return n.state(p) == "ping" && n.up(p, p) })
	}
	eventually(t, 10*time.Second, "nowhere is dead", func() bool {
		return n.count(func(e ccm.TransportEvent) bool { return e.Kind == ccm.PingDown && e.From == "nowhere" }) == 1 && n.log.has("no-such-host.invalid of ping node nowhere has no address")
	})
	at := time.Now()
	l.cut(2, 0)
	for _, p := range []string{"10.99.0.2", "group"} {
		eventually(t, 3*time.Second, p+" dies", func() bool { return n.state(p) == "dead" })
	}
	if d := time.Since(at); d < 800*time.Millisecond {
		t.Errorf("dead after %v, before deadping", d)
	}
	l.mend(2, 0)
	for _, p := range []string{"10.99.0.2", "group"} {
		eventually(t, 5*time.Second, p+" returns", func() bool { return n.state(p) == "ping" })
	}
	if k := n.count(func(e ccm.TransportEvent) bool { return e.Kind == ccm.PingUp && e.From == "group" }); k != 2 {
		t.Errorf("group came up %d times, want 2", k)
	}
	if k := strings.Count(n.log.String(), "The host name no-such-host.invalid"); k != 1 {
		t.Errorf("the unknown name was told %d times, want once", k)
	}
}

func TestOpenRefuses(t *testing.T) {
	good := func() Config {
		return Config{Self: "a", Nodes: []string{"a", "b"}, Keys: testKeys(2), Keepalive: time.Second, Deadtime: 10 * time.Second, NoGossip: true,
			Media: []Medium{{Kind: "ucast", Iface: "nosuch0", Address: "10.0.0.1", Port: 694}}}
	}
	for want, change := range map[string]func(c *Config){
		"":                                 func(c *Config) {},
		"this node has no name":            func(c *Config) { c.Self = "" },
		"keepalive 1s must be above 0":     func(c *Config) { c.Deadtime = time.Second },
		"port 0 is not between":            func(c *Config) { c.Media[0].Port = 0 },
		"no peer address":                  func(c *Config) { c.Media[0].Address = "" },
		`"10.0.0.1" is not a multicast`:    func(c *Config) { c.Media[0] = Medium{Kind: "mcast", Iface: "eth0", Port: 1, Group: "10.0.0.1"} },
		`medium "pigeon" is not supported`: func(c *Config) { c.Media[0].Kind = "pigeon" },
		"key 9, which is to sign":          func(c *Config) { c.Keys.Sign = 9 },
		`node "b" cannot be a ping node`:   func(c *Config) { c.PingNodes = []PingNode{{"b", []string{"10.0.0.1"}}} },
		"node metadata: ":                  func(c *Config) { c.NoGossip = false; c.Meta = map[string]string{"x": strings.Repeat("x", 600)} },
	} {
		c := good()
		change(&c)
		c.Logger = slog.New(slog.DiscardHandler)
		tr, err := Open(t.Context(), c)
		if err == nil {
			tr.Close()
		}
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
