package link

import (
	"bytes"
	"testing"
	"time"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/pkg/lab"
	"github.com/quorate/quorate/pkg/seedrow"
)

// newCable joins two pseudo terminals at the pace of a line.
func newCable(t *testing.T, baud int) *lab.Serial {
	c, err := lab.NewSerial(baud)
	if err != nil {
		t.Skipf("SKIPPED: no pseudo terminals here: %v", err)
	}
	t.Cleanup(c.Close)
	return c
}

// Two nodes over a line of 19200 baud alone: beats come in time while bulk data
// flows, and a pulled cable is found and healed.
func TestSerial(t *testing.T) {
	seedrow.Shows(t, "001-006", "002-053")
	t.Parallel()
	cable := newCable(t, 19200)
	l := &netLab{t: t}
	var nodes []*node
	for i := 1; i <= 2; i++ {
		nodes = append(nodes, l.start(Config{
			Self: name(i), Nodes: []string{name(1), name(2)}, Keys: testKeys(2), Incarnation: 1,
			Media:     []Medium{{Kind: "serial", Device: cable.Ends[i-1], Baud: 19200}},
			Keepalive: 500 * time.Millisecond, Deadtime: 3 * time.Second, Warntime: time.Second,
		}))
	}
	a, b := nodes[0], nodes[1]
	up := func() bool { return a.up("node2", cable.Ends[0]) && b.up("node1", cable.Ends[1]) }
	eventually(t, 5*time.Second, "the line is up", up)

	m, at := pattern(6000, 1), time.Now()
	a.Message("node2", ccm.Bulk, m)
	b.Message("node1", ccm.Bulk, m)
	eventually(t, 5*time.Second, "bulk data flows", func() bool { return a.stats()[0].Sent > 10 })
	a.Message("node2", ccm.Control, []byte("urgent"))
	eventually(t, 20*time.Second, "two messages", func() bool { return len(b.messages("node1")) == 2 && len(a.messages("node2")) == 1 })
	t.Logf("6000 bytes each way took %v", time.Since(at))
	if got := b.messages("node1"); string(got[0]) != "urgent" || !bytes.Equal(got[1], m) {
		t.Error("what is urgent did not overtake, or the message was changed")
	}
	for _, n := range nodes {
		if n.log.has("Late heartbeat") {
			t.Error("data held up the beats of the other")
		}
		waited := time.Duration(n.media[0].(*serial).waited.Load())
		if waited > n.cfg.Keepalive {
			t.Errorf("a beat waited %v for the line, more than a keepalive", waited)
		}
		t.Logf("a beat waited %v for the line at the longest", waited)
	}

	cable.Cut()
	eventually(t, 6*time.Second, "dead", func() bool { return a.state("node2") == "dead" && b.state("node1") == "dead" })
	cable.Mend()
	eventually(t, 6*time.Second, "the line is up again", up)
	a.Message("node2", ccm.Control, []byte("back"))
	eventually(t, 6*time.Second, "a message", func() bool { return len(b.messages("node1")) == 3 })
}

// TestBlockedSerial: a line that takes nothing holds up neither who sends nor the
// end; when it moves again the newest beats leave.
func TestBlockedSerial(t *testing.T) {
	t.Parallel()
	const baud = 460800
	cable := newCable(t, baud)
	l := &netLab{t: t}
	var nodes []*node
	for i := 1; i <= 2; i++ {
		nodes = append(nodes, l.start(Config{
			Self: name(i), Nodes: []string{name(1), name(2)}, Keys: testKeys(2), Incarnation: 1,
			Media:     []Medium{{Kind: "serial", Device: cable.Ends[i-1], Baud: baud}},
			Keepalive: 100 * time.Millisecond, Deadtime: time.Second,
		}))
	}
	a, b := nodes[0], nodes[1]
	up := func() bool { return a.up("node2", cable.Ends[0]) && b.up("node1", cable.Ends[1]) }
	eventually(t, 5*time.Second, "the line is up", up)
	cable.Block()
	s := a.media[0].(*serial)
	worst := time.Duration(0)
	written, since := s.written.Load(), time.Now()
	eventually(t, 20*time.Second, "the writer is blocked", func() bool {
		begin := time.Now()
		a.Broadcast(make([]byte, maxDatagram))
		worst = max(worst, time.Since(begin))
		if n := s.written.Load(); n != written {
			written, since = n, time.Now()
		}
		return len(s.urgent) == cap(s.urgent) && time.Since(since) > 500*time.Millisecond
	})
	for range 1000 {
		begin := time.Now()
		a.Broadcast(make([]byte, maxDatagram))
		worst = max(worst, time.Since(begin))
	}
	if worst > 500*time.Millisecond {
		t.Errorf("a beat waited %v for a blocked line", worst)
	}
	eventually(t, 5*time.Second, "the line is dead", func() bool { return a.state("node2") == "dead" })
	cable.Mend()
	eventually(t, 5*time.Second, "the line is up again", up)
	cable.Block()
	for range 200 {
		a.Broadcast(make([]byte, maxDatagram))
	}
	begin := time.Now()
	a.close()
	if d := time.Since(begin); d > 3*time.Second {
		t.Errorf("the end waited %v for a blocked line", d)
	}
}

func TestSlip(t *testing.T) {
	var u unpacker
	var got [][]byte
	frames := [][]byte{{1, 2, 3}, {slipEnd, slipEsc, 0, slipEscEnd, slipEscEsc}, bytes.Repeat([]byte{slipEnd}, maxFrame)}
	line := []byte("noise before")
	for _, f := range frames {
		line = pack(line, f)
	}
	line = append(line, slipEsc, 1, 2, slipEnd)                 // broken
	line = append(line, bytes.Repeat([]byte{7}, 3*maxFrame)...) // too long
	line = append(line, slipEnd, slipEsc, slipEnd)              // broken at its end
	line = pack(line, []byte("last"))
	for _, c := range line {
		if f := u.feed(c); f != nil {
			got = append(got, bytes.Clone(f))
		}
	}
	want := append([][]byte{[]byte("noise before")}, append(frames, []byte("last"))...)
	if len(got) != len(want) {
		t.Fatalf("%d frames, want %d", len(got), len(want))
	}
	for i := range want {
		if !bytes.Equal(got[i], want[i]) {
			t.Errorf("frame %d: %x, want %x", i, got[i], want[i])
		}
	}
}
