package link

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/quorate/quorate/ccm"
)

// cable joins two pseudo terminals at a pace, in bytes a second each way.
type cable struct {
	ends [2]string
	cut  atomic.Bool
}

func newCable(t *testing.T, pace int) *cable {
	c := &cable{}
	var masters [2]*os.File
	for i := range masters {
		m, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
		if err != nil {
			t.Skipf("SKIPPED: no pseudo terminals here: %v", err)
		}
		t.Cleanup(func() { m.Close() })
		rc, _ := m.SyscallConn()
		var n int
		rc.Control(func(fd uintptr) {
			if err = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); err == nil {
				n, err = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		c.ends[i] = fmt.Sprintf("/dev/pts/%d", n)
		// Hold the other side open, or the master is told of hang-ups.
		hold, err := os.OpenFile(c.ends[i], os.O_RDWR|unix.O_NOCTTY, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { hold.Close() })
		masters[i] = m
	}
	carry := func(to, from *os.File) {
		const slice = 10 * time.Millisecond
		b := make([]byte, int(float64(pace)*slice.Seconds()))
		tick := time.NewTicker(slice)
		defer tick.Stop()
		for range tick.C {
			from.SetReadDeadline(time.Now().Add(time.Second))
			n, err := from.Read(b)
			if err != nil && !os.IsTimeout(err) && err != io.EOF {
				return
			}
			if !c.cut.Load() {
				to.Write(b[:n])
			}
		}
	}
	go carry(masters[0], masters[1])
	go carry(masters[1], masters[0])
	return c
}

// Two nodes over a line of 19200 baud alone: beats come in time while bulk data
// flows, and a pulled cable is found and healed.
func TestSerial(t *testing.T) {
	t.Parallel()
	cable := newCable(t, 1920)
	l := &lab{t: t}
	var nodes []*node
	for i := 1; i <= 2; i++ {
		nodes = append(nodes, l.start(Config{
			Self: name(i), Nodes: []string{name(1), name(2)}, Keys: testKeys(2), Incarnation: 1,
			Media:     []Medium{{Kind: "serial", Device: cable.ends[i-1], Baud: 19200}},
			Keepalive: 500 * time.Millisecond, Deadtime: 3 * time.Second, Warntime: time.Second,
		}))
	}
	a, b := nodes[0], nodes[1]
	up := func() bool { return a.up("node2", cable.ends[0]) && b.up("node1", cable.ends[1]) }
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
	}

	cable.cut.Store(true)
	eventually(t, 6*time.Second, "dead", func() bool { return a.state("node2") == "dead" && b.state("node1") == "dead" })
	cable.cut.Store(false)
	eventually(t, 6*time.Second, "the line is up again", up)
	a.Message("node2", ccm.Control, []byte("back"))
	eventually(t, 6*time.Second, "a message", func() bool { return len(b.messages("node1")) == 3 })
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
