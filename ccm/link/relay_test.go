package link

import (
	"bytes"
	"testing"
	"time"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/pkg/lab"
)

// ring joins n nodes by serial lines alone: node i and i+1 have one in common,
// and where closed the last and the first.
func ring(t *testing.T, n, hops int, closed bool) (nodes []*node, cables []*lab.Serial) {
	const baud = 115200
	media := make([][]Medium, n)
	for i := range n {
		if i == n-1 && !closed {
			break
		}
		c := newCable(t, baud)
		cables = append(cables, c)
		for end, at := range []int{i, (i + 1) % n} {
			media[at] = append(media[at], Medium{Kind: "serial", Device: c.Ends[end], Baud: baud})
		}
	}
	l := &netLab{t: t}
	var names []string
	for i := range n {
		names = append(names, name(i+1))
	}
	for i := range n {
		nodes = append(nodes, l.start(Config{Self: name(i + 1), Nodes: names, Keys: testKeys(4), Incarnation: 1, Media: media[i], Hops: hops,
			Keepalive: 250 * time.Millisecond, Deadtime: 2 * time.Second}))
	}
	return nodes, cables
}

// sees reports whether each of the nodes hears all the others.
func sees(nodes []*node) func() bool {
	return func() bool {
		for _, a := range nodes {
			for _, b := range nodes {
				if a != b && (a.state(b.cfg.Self) == "dead" || a.state(b.cfg.Self) == "init") {
					return false
				}
			}
		}
		return true
	}
}

// TestSerialRow: nodes at the ends of a row of cables reach one another by the
// one between them, with messages too, as far as the hops go. (The frames are
// encrypted: who hands them on must not change them.)
func TestSerialRow(t *testing.T) {
	t.Parallel()
	nodes, _ := ring(t, 3, 4, false)
	eventually(t, 10*time.Second, "all hear all", sees(nodes))
	m := pattern(3000, 1)
	nodes[0].Message("node3", ccm.Bulk, m)
	nodes[2].Message("node1", ccm.Control, []byte("back"))
	eventually(t, 20*time.Second, "messages from end to end", func() bool {
		return len(nodes[2].messages("node1")) == 1 && len(nodes[0].messages("node3")) == 1
	})
	if !bytes.Equal(nodes[2].messages("node1")[0], m) {
		t.Error("the message was changed on its way")
	}
	for _, n := range nodes {
		if d := n.Drops(); d["garbage"]+d["mac"]+d["replay"] > 0 {
			t.Errorf("%s has dropped %v", n.cfg.Self, d)
		}
	}
}

// TestHopLimit: a frame does not travel farther than it may.
func TestHopLimit(t *testing.T) {
	t.Parallel()
	nodes, _ := ring(t, 4, 2, false) // two cables, not three
	eventually(t, 10*time.Second, "the next but one is heard", func() bool {
		return sees(nodes[:3])() && sees(nodes[1:])()
	})
	eventually(t, 10*time.Second, "some more beats", func() bool { return nodes[0].stats()[0].Received > 10 })
	if s := nodes[0].state("node4"); s != "init" && s != "dead" {
		t.Errorf("over three cables: node4 is %s", s)
	}
}

// TestSerialRing: a ring bears the loss of any cable, and nothing goes round for
// ever.
func TestSerialRing(t *testing.T) {
	t.Parallel()
	nodes, cables := ring(t, 3, 4, true)
	eventually(t, 10*time.Second, "all hear all", sees(nodes))
	cables[1].Cut()
	eventually(t, 10*time.Second, "the cut is noticed", func() bool { return nodes[1].log.has("Link node3:" + cables[1].Ends[0] + " dead.") })
	if !sees(nodes)() {
		t.Error("one cut cable of a ring parts nodes")
	}
	// What a line carries is what the nodes say, and not what goes round.
	s := nodes[0].media[0].(*serial)
	before, begin := s.written.Load(), time.Now()
	eventually(t, 5*time.Second, "two seconds", func() bool { return time.Since(begin) > 2*time.Second })
	rate := float64(s.written.Load()-before) / time.Since(begin).Seconds()
	t.Logf("%.1f frames a second on a line, three nodes, 4 beats a second each", rate)
	if rate > 30 {
		t.Errorf("%.1f frames a second on a line", rate)
	}
}
