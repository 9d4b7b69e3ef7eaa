package link

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/pkg/seedrow"
)

// pattern is a payload that shows misplaced bytes.
func pattern(n int, seed uint64) []byte {
	b := make([]byte, n)
	r := rand.New(rand.NewPCG(seed, 1))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// whole waits until every node sees every other one up on every link.
func whole(t testing.TB, nodes []*node, links ...string) {
	t.Helper()
	for _, a := range nodes {
		for _, b := range nodes {
			for _, l := range links {
				if a != b {
					eventually(t, 5*time.Second, a.cfg.Self+" sees "+b.cfg.Self+" on "+l, func() bool { return a.up(b.cfg.Self, l) })
				}
			}
		}
	}
}

func TestCutAndMend(t *testing.T) {
	t.Parallel()
	l := newLab(t, 3, 2)
	var nodes []*node
	for i := 1; i <= 3; i++ {
		nodes = append(nodes, l.start(l.config(i)))
	}
	whole(t, nodes, "eth0", "eth1")
	a, b := nodes[0], nodes[1]
	for _, s := range []string{"init", "up", "active"} {
		eventually(t, 2*time.Second, "status "+s, func() bool { return a.log.has("Status update for node node2: status " + s) })
	}

	l.cut(2, 0)
	eventually(t, 3*time.Second, "link eth0 dead", func() bool { return !a.up("node2", "eth0") && !b.up("node1", "eth0") })
	if !a.log.has("Link node2:eth0 dead.") || a.log.has("node node2: is dead") || a.state("node2") != "active" {
		t.Fatal("one cut of two must kill the link only")
	}
	// Messages go by the other link.
	a.Message("node2", ccm.Control, []byte("by eth1"))
	eventually(t, 2*time.Second, "message by eth1", func() bool { return len(b.messages("node1")) == 1 })

	at := time.Now()
	l.cut(2, 1)
	eventually(t, 3*time.Second, "node2 dead", func() bool { return a.state("node2") == "dead" })
	if d := time.Since(at); d < 800*time.Millisecond {
		t.Fatalf("dead after %v, before deadtime", d)
	}
	if !a.log.has("node node2: is dead") || a.state("node3") != "active" {
		t.Fatal("the wrong node died")
	}
	a.Message("node2", ccm.Control, []byte("to the dead"))
	a.Message("node2", ccm.Bulk, make([]byte, 50<<20))
	var kept int
	a.ask(func() { kept = a.peers["node2"].out.queued })
	if kept != 0 {
		t.Errorf("%d bytes are kept for a dead node", kept)
	}

	l.mend(2, 0)
	eventually(t, 3*time.Second, "node2 back", func() bool { return a.state("node2") == "active" && b.state("node1") == "active" })
	a.Message("node2", ccm.Control, []byte("again"))
	eventually(t, 2*time.Second, "message after return", func() bool { return len(b.messages("node1")) == 2 })
	if m := b.messages("node1"); string(m[1]) != "again" {
		t.Fatalf("got %q: a message for a dead node must not arrive", m[1])
	}
	if a.log.has("Heartbeat restart") {
		t.Fatal("a cut is not a restart")
	}
}

// An interface that is missing at the start and one that is replaced both heal.
func TestInterfaceComesAndGoes(t *testing.T) {
	t.Parallel()
	l := newLab(t, 2, 1)
	l.sh("ip -n %s link del eth0", l.ns(1))
	a, b := l.start(l.config(1)), l.start(l.config(2))
	eventually(t, 2*time.Second, "complaint", func() bool { return a.log.has("no such interface") })
	l.wire(1, 0)
	whole(t, []*node{a, b}, "eth0")
	l.sh("ip -n %s link set eth0 down", l.ns(1))
	eventually(t, 3*time.Second, "down", func() bool { return !a.up("node2", "eth0") && !b.up("node1", "eth0") })
	l.sh("ip -n %s link set eth0 up", l.ns(1))
	whole(t, []*node{a, b}, "eth0")
	l.sh("ip -n %s link del eth0", l.ns(1))
	eventually(t, 3*time.Second, "gone", func() bool { return !a.up("node2", "eth0") })
	l.wire(1, 0)
	whole(t, []*node{a, b}, "eth0")
}

func TestRestart(t *testing.T) {
	t.Parallel()
	l := newLab(t, 2, 1)
	a, b := l.start(l.config(1)), l.start(l.config(2))
	whole(t, []*node{a, b}, "eth0")
	for i := range 20 {
		a.Message("node2", ccm.Bulk, []byte{byte(i)})
	}
	eventually(t, 2*time.Second, "20 messages", func() bool { return len(b.messages("node1")) == 20 })
	b.close()
	a.Message("node2", ccm.Control, []byte("for the old life"))
	c := l.config(2)
	c.Incarnation = 2
	b = l.start(c)
	eventually(t, 5*time.Second, "restart", func() bool { return a.log.has("Heartbeat restart on node node2") })
	whole(t, []*node{a, b}, "eth0")
	a.Message("node2", ccm.Control, []byte("for the new life"))
	eventually(t, 5*time.Second, "message", func() bool { return len(b.messages("node1")) > 0 })
	if m := b.messages("node1"); string(m[0]) != "for the new life" {
		t.Fatalf("got %q", m)
	}
	if n := a.count(func(e ccm.TransportEvent) bool {
		return e.Kind == ccm.DatagramReceived && e.From == "node2" && e.Incarnation == 2
	}); n == 0 {
		t.Fatal("no beat of incarnation 2")
	}
}

// send sends one message and returns how long it took.
func send(t testing.TB, a, b *node, class ccm.Class, m []byte) time.Duration {
	t.Helper()
	n := len(b.messages(a.cfg.Self))
	at := time.Now()
	a.Message(b.cfg.Self, class, m)
	eventually(t, 30*time.Second, "message", func() bool { return len(b.messages(a.cfg.Self)) > n })
	d := time.Since(at)
	if !bytes.Equal(b.messages(a.cfg.Self)[n], m) {
		t.Fatal("the message was changed")
	}
	return d
}

func TestLargeMessage(t *testing.T) {
	t.Parallel()
	l := newLab(t, 2, 1)
	a, b := l.start(l.config(1)), l.start(l.config(2))
	whole(t, []*node{a, b}, "eth0")
	m := pattern(5<<20, 1)
	t.Logf("5 MB took %v", send(t, a, b, ccm.Control, m))
	t.Logf("5 MB took %v", send(t, a, b, ccm.Control, m))
	t.Logf("stats %+v", b.stats())
}

func TestLargeMessageWithLoss(t *testing.T) {
	t.Parallel()
	l := newLab(t, 2, 1)
	a, b := l.start(l.config(1)), l.start(l.config(2))
	whole(t, []*node{a, b}, "eth0")
	l.loss(1, 5)
	l.loss(2, 5)
	m := pattern(5<<20, 2)
	d := send(t, a, b, ccm.Bulk, m)
	t.Logf("5 MB with 5 %% loss both ways took %v", d)
	if d > 10*time.Second {
		t.Fatal("too slow")
	}
	for _, n := range []*node{a, b} {
		if s := n.stats(); len(s) != 1 || s[0].Lost == 0 || s[0].Lost*5 > s[0].Received {
			t.Errorf("loss of 5 %% is counted as %+v", s)
		}
	}
	eventually(t, 2*time.Second, "the log of lost packets", func() bool {
		return b.log.has("lost packet(s) for [node1] [") && b.log.has("No pkts missing from node1!")
	})
}

// block drops what a node receives from an address on a link; unblock ends that.
func (l *netLab) block(node int, from string) {
	l.needNft()
	l.sh(`ip netns exec %s nft 'add table inet block; add chain inet block in { type filter hook input priority 0; }; add rule inet block in ip saddr %s drop'`, l.ns(node), from)
}
func (l *netLab) unblock(node int) { l.sh(`ip netns exec %s nft delete table inet block`, l.ns(node)) }

// A path that works one way only is not relied on.
func TestOneWayCutOfOneLink(t *testing.T) {
	t.Parallel()
	l := newLab(t, 2, 2)
	a, b := l.start(l.config(1)), l.start(l.config(2))
	whole(t, []*node{a, b}, "eth0", "eth1")
	l.block(2, "10.99.0.1") // node1 reaches node2 by eth1 only, and does not know
	for i := range 5 {
		send(t, a, b, ccm.Control, pattern(100_000, uint64(i)))
		send(t, b, a, ccm.Control, pattern(100_000, uint64(i)))
	}
	if a.log.has("is dead") || b.log.has("is dead") {
		t.Error("one way of one link killed a node")
	}
}

// One node gives the other up, which does not notice: what the other sends
// arrives whole, and what was queued for it is gone.
func TestOneWayCut(t *testing.T) {
	t.Parallel()
	l := newLab(t, 2, 1)
	a, b := l.start(l.config(1)), l.start(l.config(2))
	whole(t, []*node{a, b}, "eth0")
	for i := range 10 {
		b.Message("node1", ccm.Bulk, []byte{byte(i)})
	}
	eventually(t, 2*time.Second, "10 messages", func() bool { return len(a.messages("node2")) == 10 })
	l.block(1, "10.99.0.2")
	for i := range 10 {
		b.Message("node1", ccm.Bulk, []byte{byte(10 + i)})
		a.Message("node2", ccm.Bulk, pattern(500_000, 1)) // is not acknowledged any more
	}
	eventually(t, 3*time.Second, "node1 gives node2 up", func() bool { return a.state("node2") == "dead" })
	if b.state("node1") != "active" {
		t.Fatal("node2 hears node1")
	}
	a.Message("node2", ccm.Bulk, []byte("to the dead"))
	l.unblock(1)
	eventually(t, 5*time.Second, "the messages of node2", func() bool { return len(a.messages("node2")) == 20 })
	for i, m := range a.messages("node2") {
		if len(m) != 1 || int(m[0]) != i {
			t.Fatalf("message %d is %v", i, m)
		}
	}
	n := len(b.messages("node1"))
	send(t, a, b, ccm.Bulk, []byte("anew"))
	if n == 10 {
		t.Error("the test is too weak: all large messages went through")
	}
}

// A node that speaks from an address that nobody configured is still heard, and
// spoken to.
func TestOtherSourceAddress(t *testing.T) {
	t.Parallel()
	l := newLab(t, 2, 1)
	l.sh("ip -n %s addr flush dev eth0; ip -n %s addr add 10.99.0.200/24 dev eth0; ip -n %s addr add 10.99.0.2/24 dev eth0", l.ns(2), l.ns(2), l.ns(2))
	a, b := l.start(l.config(1)), l.start(l.config(2))
	whole(t, []*node{a, b}, "eth0")
	send(t, a, b, ccm.Control, pattern(200_000, 1))
	send(t, b, a, ccm.Control, pattern(200_000, 2))
	// And one whose only address is a foreign one, which cannot be reached by
	// the configuration at all.
	l.sh("ip -n %s addr del 10.99.0.2/24 dev eth0", l.ns(2))
	stays(t, 2*time.Second, "node2 speaks and is heard", func() bool { return a.up("node2", "eth0") && b.up("node1", "eth0") })
}

// Datagrams put in just before Close still leave.
func TestFarewell(t *testing.T) {
	t.Parallel()
	l := newLab(t, 2, 1)
	a, b := l.start(l.config(1)), l.start(l.config(2))
	whole(t, []*node{a, b}, "eth0")
	a.Datagram("node2", []byte("farewell"))
	a.Close()
	eventually(t, time.Second, "the farewell", func() bool {
		return b.count(func(e ccm.TransportEvent) bool { return string(e.Payload) == "farewell" }) == 1
	})
}

// lateHeartbeat is the sentence as logs have had it for years.
var lateHeartbeat = regexp.MustCompile(`(?m)WARN.*\bLate heartbeat: Node node2: interval \d{3,4} ms\b`)

// A late beat is told with its interval, and kills nobody before deadtime.
func TestLateHeartbeat(t *testing.T) {
	seedrow.Shows(t, "001-009")
	t.Parallel()
	l := newLab(t, 2, 1)
	c := l.config(1)
	c.Deadtime, c.Warntime = 2*time.Second, 500*time.Millisecond
	a, b := l.start(c), l.start(l.config(2))
	whole(t, []*node{a, b}, "eth0")
	b.mute.Store(true)
	eventually(t, 3*time.Second, "silence", func() bool { return a.stats()[0].Silence > 600*time.Millisecond })
	b.mute.Store(false)
	eventually(t, time.Second, "warning", func() bool { return lateHeartbeat.MatchString(a.log.String()) })
	if a.log.has("dead") || a.stats()[0].Late != 1 {
		t.Errorf("%+v", a.stats())
	}
}

// Beats pass bulk data.
func TestBeatsUnderLoad(t *testing.T) {
	t.Parallel()
	l := newLab(t, 2, 1)
	a, b := l.start(l.config(1)), l.start(l.config(2))
	whole(t, []*node{a, b}, "eth0")
	m := pattern(20<<20, 1)
	a.Message("node2", ccm.Bulk, m)
	b.Message("node1", ccm.Bulk, m)
	var delays []time.Duration
	for i := 0; len(b.messages("node1")) == 0 || i < 50; i++ {
		word := fmt.Sprint("beat ", i)
		at := ccm.Boottime()
		a.Broadcast([]byte(word))
		eventually(t, 5*time.Second, word, func() bool {
			return b.count(func(e ccm.TransportEvent) bool {
				if string(e.Payload) == word {
					delays = append(delays, time.Duration(e.At-at))
					return true
				}
				return false
			}) > 0
		})
	}
	slices.Sort(delays)
	n := len(delays)
	t.Logf("%d beats beside 20 MB each way: median %v, p95 %v, max %v", n, delays[n/2], delays[n*95/100], delays[n-1])
	if delays[n*95/100] > 100*time.Millisecond {
		t.Error("bulk data holds up beats")
	}
}

// Two daemons on one port do not steal each other's frames: the second says so.
func TestPortTaken(t *testing.T) {
	t.Parallel()
	l := newLab(t, 2, 1)
	a, b := l.start(l.config(1)), l.start(l.config(2))
	whole(t, []*node{a, b}, "eth0")
	c := l.config(1)
	c.Self, c.Nodes = "node3", []string{"node2", "node3"}
	third := l.start(c)
	eventually(t, 2*time.Second, "complaint", func() bool { return third.log.has("address already in use") })
	stays(t, 2*time.Second, "the first is not disturbed", func() bool { return a.up("node2", "eth0") && b.up("node1", "eth0") })
	a.close()
	eventually(t, 3*time.Second, "the second takes over", func() bool { return third.log.has("Link eth0 works now") })
}
