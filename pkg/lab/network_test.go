package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestCables(t *testing.T) {
	_, a, b := pair(t)
	there, err := b.NewProbe(netip.MustParseAddr(public+"1"), 5*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	defer there.Stop()
	other, err := b.NewProbe(netip.MustParseAddr("192.168.68.1"), 5*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Stop()
	answers := func(p *Probe) bool { return time.Since(p.LastReply()) < 30*time.Millisecond }
	quiet := func(p *Probe) bool { return time.Since(p.LastReply()) > 100*time.Millisecond }
	until(t, "both links answer", func() bool { return answers(there) && answers(other) })

	if err := a.Cut("eth0"); err != nil {
		t.Fatal(err)
	}
	until(t, "eth0 cut", func() bool { return quiet(there) })
	if !answers(other) {
		t.Error("cutting eth0 cut eth1")
	}
	if err := a.Mend("eth0"); err != nil {
		t.Fatal(err)
	}
	until(t, "eth0 mended", func() bool { return answers(there) })
	if err := a.Cut("eth7"); !errors.Is(err, ErrUnknownLink) {
		t.Errorf("cut of a link that is not there: %v", err)
	}

	// One way: frames counted on the far side tell the direction. The counters
	// are of ICMP, which nothing else here sends.
	in := func(n *Node) string { return sh(t, n, "grep '^Icmp: [0-9]' /proc/net/snmp | cut -d' ' -f2") }
	if err := a.CutOneWay(Outbound, "eth0"); err != nil {
		t.Fatal(err)
	}
	until(t, "answers of a stopped", func() bool { return quiet(there) })
	if err := b.Cut("eth1"); err != nil { // the other probe counts too
		t.Fatal(err)
	}
	before := in(a)
	until(t, "questions still reach a", func() bool { return in(a) != before })
	if err := a.Mend(); err != nil {
		t.Fatal(err)
	}
	until(t, "mended after outbound", func() bool { return answers(there) })

	if err := a.CutOneWay(Inbound, "eth0"); err != nil {
		t.Fatal(err)
	}
	until(t, "questions to a stopped", func() bool { return quiet(there) })
	until(t, "nothing reaches a", func() bool {
		x := in(a)
		time.Sleep(60 * time.Millisecond)
		return in(a) == x
	})
	back, err := a.NewProbe(netip.MustParseAddr(public+"2"), 5*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	defer back.Stop()
	before = in(b)
	until(t, "questions of a still reach b", func() bool { return in(b) != before })
	if !back.LastReply().IsZero() {
		t.Error("an answer came in through the cut")
	}
	if err := a.Mend(); err != nil {
		t.Fatal(err)
	}
	until(t, "mended after inbound", func() bool { return answers(there) })
}

func TestSampler(t *testing.T) {
	l, a, b := pair(t)
	vip := netip.MustParseAddr(public + "205")
	s := l.NewSampler(vip, time.Millisecond)
	defer s.Stop()
	wait := func(want ...string) time.Time {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		at, err := s.Wait(ctx, func(o []string) bool { return slices.Equal(o, want) })
		if err != nil {
			t.Fatalf("owners stay %v, want %v", s.Owners(), want)
		}
		return at
	}
	begin := time.Now()
	sh(t, a, "ip addr add "+public+"205/24 dev eth0")
	wait("a")
	sh(t, b, "ip addr add "+public+"205/32 dev eth0")
	two := wait("a", "b")
	sh(t, a, "ip addr del "+public+"205/24 dev eth0")
	one := wait("b")
	sh(t, b, "ip addr del "+public+"205/32 dev eth0")
	wait()
	s.Stop()
	if got := s.Double(begin, time.Now()); got != one.Sub(two) {
		t.Errorf("two owners for %v, want %v", got, one.Sub(two))
	}
	if got := s.Double(one, time.Now()); got != 0 {
		t.Errorf("two owners for %v after the end of it", got)
	}
	var seen []string
	for _, c := range s.History() {
		seen = append(seen, strings.Join(c.Owners, "+"))
	}
	if got := strings.Join(seen, " "); got != " a a+b b " {
		t.Errorf("history %q", got)
	}
	if n, gap := s.Quality(); n < 4 || gap <= 0 {
		t.Errorf("%d samples, longest gap %v", n, gap)
	}
}

func TestProbeOutage(t *testing.T) {
	_, a, b := pair(t)
	p, err := b.NewProbe(netip.MustParseAddr(public+"1"), 2*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stop()
	until(t, "an answer", func() bool { return !p.LastReply().IsZero() })
	from := time.Now()
	if err := a.Cut("eth0"); err != nil {
		t.Fatal(err)
	}
	cut := time.Now()
	until(t, "silence", func() bool { return time.Since(p.LastReply()) > 200*time.Millisecond })
	if _, _, ok := p.Outage(from, time.Now()); ok {
		t.Error("an outage that goes on is reported as over")
	}
	if err := a.Mend("eth0"); err != nil {
		t.Fatal(err)
	}
	mended := time.Now()
	until(t, "an answer again", func() bool { return p.LastReply().After(mended) })
	begin, end, ok := p.Outage(from, time.Now())
	if !ok || begin.After(cut) || end.Before(mended.Add(-50*time.Millisecond)) || end.Sub(begin) < 200*time.Millisecond {
		t.Errorf("outage %v..%v (%v), ok %v; the cut lasted from %v to %v", begin, end, end.Sub(begin), ok, cut, mended)
	}
	quiet := time.Now()
	until(t, "more answers", func() bool { return p.LastReply().After(quiet.Add(50 * time.Millisecond)) })
	if begin, end, ok := p.Outage(quiet, quiet.Add(50*time.Millisecond)); !ok || end.Sub(begin) > 40*time.Millisecond {
		t.Errorf("in quiet time an outage of %v, ok %v", end.Sub(begin), ok)
	}
}

// BenchmarkSample is the cost of one look at all nodes.
func BenchmarkSample(b *testing.B) {
	l, err := New(Options{Segments: []string{"public"}, TempDir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	for i := range 3 {
		if _, err := l.AddNode(Spec{Name: fmt.Sprint("n", i), Links: []Link{{Name: "eth0", Segment: "public",
			Addr: netip.MustParsePrefix(fmt.Sprintf("%s%d/24", public, i+1))}}}); err != nil {
			b.Fatal(err)
		}
	}
	vip := netip.MustParseAddr(public + "205")
	b.ReportAllocs()
	for b.Loop() {
		l.Sample(vip)
	}
}
