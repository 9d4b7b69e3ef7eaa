package agree

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// simCmd is what the program above the machine says (rule 13).
type simCmd struct {
	op     string // query report start stop result
	b      Ballot
	serial int
	active bool
	rc     string
}

// simDC is the decision maker on the DC of one view.
type simDC struct {
	b        Ballot
	members  []Member
	reported map[string]bool
	owner    map[string]bool
	serial   int
	busy     bool
	busyT    int
	cert     uint64 // token under way
}

func (n *simNode) onEvent(e Event) {
	s := n.s
	if s.listen != nil {
		s.listen(n, e)
	}
	switch e := e.(type) {
	case NoteEvent:
		s.logf("%s: %s", n.name, e.Text)
	case ViewEvent:
		s.logf("%s view %v %s quorum=%v %v: %s", n.name, e.View.Ballot, e.View.Event, e.View.Quorum, e.View.Members, e.View.Reason)
	case PeerEvent:
		s.logf("%s peer %s alive=%v: %s", n.name, e.Name, e.Alive, e.Reason)
	case OpenedEvent:
		s.opens++
		if slices.Contains(s.arbiters, n.name) {
			s.fail("the arbiter %s is the DC of %v", n.name, e.Ballot)
		}
		s.logf("%s OPEN %v %v seq=%d", n.name, e.Ballot, e.Members, e.Seq)
		if old, ok := s.views[e.Ballot]; ok && !slices.Equal(old, e.Members) {
			s.fail("I1: ballot %v opened with %v and %v", e.Ballot, old, e.Members)
		}
		s.views[e.Ballot] = e.Members
		log := n.app.ids
		if s.maxOpen.Less(e.Ballot) {
			s.maxOpen = e.Ballot
			for i, id := range s.committed {
				if i >= len(log) || log[i] != id {
					s.fail("I4: view %v opens without the committed change %d (%d)", e.Ballot, i, id)
					return
				}
			}
		}
		s.extend(log)
		n.dc = &simDC{b: e.Ballot, members: e.Members, reported: map[string]bool{}, owner: map[string]bool{}}
		dc := n.dc
		if s.manual {
			return
		}
		s.at(1, func() { n.whenAwake(n.inc, func() { n.manage(dc) }) })
		s.at(1, func() { n.whenAwake(n.inc, func() { n.client(dc) }) })
	case CommittedEvent:
		s.extend(n.app.ids[:min(len(n.app.ids), n.appLen(e.Seq))])
	case CheckEvent:
		if n.dc != nil && n.dc.cert == e.Token {
			n.dc.cert = 0
			if e.Err == nil {
				n.decide(n.dc)
			}
		}
	}
}

// appLen is how many of the changes up to seq are the app's (others are of V).
func (n *simNode) appLen(seq uint64) int {
	k := len(n.app.ids)
	for i := len(n.m.round.tail) - 1; i >= 0; i-- {
		if c := n.m.round.tail[i]; c.Seq > seq && c.Voters == nil {
			k--
		}
	}
	return k
}

func (n *simNode) client(dc *simDC) {
	s := n.s
	s.at(20*msec+s.r.Int63n(200*msec), func() {
		n.whenAwake(n.inc, func() {
			if n.dc != dc || !n.m.leads() || n.m.joined != dc.b {
				return
			}
			s.nextID++
			n.token++
			n.m.Propose(n.local(), n.token, fmt.Sprintf("req-%d", s.nextID), binary.BigEndian.AppendUint64(nil, s.nextID))
			n.pump()
			n.client(dc)
		})
	})
}

func (s *sim) command(from *simNode, to string, c simCmd) { s.send(from, s.node(to), nil, &c) }

// manage asks the members what they run, then keeps one resource running.
func (n *simNode) manage(dc *simDC) {
	s := n.s
	if n.dc != dc || !n.m.leads() || n.m.joined != dc.b {
		return
	}
	for _, x := range dc.members {
		if !dc.reported[x.Name] {
			s.command(n, x.Name, simCmd{op: "query", b: dc.b})
		}
	}
	if len(dc.reported) == len(dc.members) && !dc.busy && dc.cert == 0 {
		if len(dc.owner) == 0 {
			n.token++
			dc.cert = n.token
			n.m.Certify(n.local(), n.token, dc.b)
			n.pump()
		} else if s.r.Intn(40) == 0 || len(dc.owner) > 1 {
			x := sortedKeys(dc.owner)[0]
			dc.serial++
			dc.busy = true
			s.command(n, x, simCmd{op: "stop", b: dc.b, serial: dc.serial})
		}
	}
	if dc.busy {
		if dc.busyT++; dc.busyT > 100 { // the answer was lost: ask all again
			dc.busy, dc.busyT = false, 0
			n.m.propose(dc.members)
			n.m.settle()
			n.pump()
			return
		}
	} else {
		dc.busyT = 0
	}
	s.at(5*msec, func() { n.whenAwake(n.inc, func() { n.manage(dc) }) })
}

// decide starts the resource: one certificate, one decision.
func (n *simNode) decide(dc *simDC) {
	var able []string
	for _, x := range dc.members {
		if !n.m.isArbiter(x.Name) {
			able = append(able, x.Name)
		}
	}
	if len(able) == 0 {
		return
	}
	x := able[n.s.r.Intn(len(able))]
	dc.serial++
	dc.busy = true
	dc.owner[x] = true
	n.s.logf("%s: start on %s in %v", n.name, x, dc.b)
	n.s.command(n, x, simCmd{op: "start", b: dc.b, serial: dc.serial})
}

func (n *simNode) onCmd(from string, c *simCmd) {
	s := n.s
	bound := n.m.joined == c.b && n.m.promised == c.b && n.m.inst == c.b
	if s.plant&PlantTokenInstalled != 0 {
		bound = n.m.inst == c.b
	}
	answer := func(rc string) {
		s.command(n, from, simCmd{op: "result", b: c.b, serial: c.serial, rc: rc})
	}
	switch c.op {
	case "query":
		if bound {
			s.command(n, from, simCmd{op: "report", b: c.b, active: n.running || n.inflight && !s.noInFlight})
		}
	case "report":
		if dc := n.dc; dc != nil && dc.b == c.b && !dc.reported[from] {
			dc.reported[from] = true
			if c.active {
				dc.owner[from] = true
			}
		}
	case "result":
		if dc := n.dc; dc != nil && dc.b == c.b && n.m.joined == c.b && c.serial == dc.serial {
			dc.busy = false
			if c.rc != "started" {
				delete(dc.owner, from)
			}
		}
	case "start", "stop":
		if !bound || n.lastSerB == c.b && c.serial <= n.lastSer {
			return
		}
		if c.b.Less(n.st.Promised) {
			s.fail("I5: %s obeys %v after promising %v", n.name, c.b, n.st.Promised)
		}
		n.lastSer, n.lastSerB = c.serial, c.b
		if c.op == "start" {
			if err := n.m.MayStart(n.local(), c.b); err != nil {
				answer("refused")
				return
			}
			n.begin(answer)
			return
		}
		n.opgen++
		n.inflight = false
		g, bg, inc := n.opgen, n.bootgen, n.inc
		s.at(s.r.Int63n(80*msec), func() {
			if n.opgen == g && n.bootgen == bg {
				n.running = false
				n.whenAwake(inc, func() { answer("stopped") })
			}
		})
	}
}

func (n *simNode) begin(answer func(string)) {
	s := n.s
	n.inflight = true
	n.opgen++
	g, bg, inc := n.opgen, n.bootgen, n.inc
	for _, o := range s.nodes {
		if o != n && (o.running || o.inflight) {
			s.fail("I6: start on %s while %s runs it or has it in flight", n.name, o.name)
		}
	}
	n.guard()
	s.at(s.r.Int63n(80*msec), func() {
		if n.opgen != g || n.bootgen != bg {
			return
		}
		n.inflight = false
		n.running = true
		s.starts++
		for _, o := range s.nodes {
			if o != n && o.running {
				s.fail("I7: %s and %s both run the resource", n.name, o.name)
			}
		}
		n.guard()
		n.whenAwake(inc, func() { answer("started") })
	})
}

// guard releases the resource at base + L + S whatever the daemon does.
func (n *simNode) guard() {
	g := n.bootgen
	var f func()
	f = func() {
		if n.bootgen != g || !n.running && !n.inflight {
			return
		}
		end := n.base + int64(n.s.t.Lease+n.s.t.StopBound)
		if n.local() >= end {
			n.s.logf("%s lease over, released", n.name)
			n.running, n.inflight = false, false
			n.opgen++
			return
		}
		n.s.at(n.until(end), f)
	}
	f()
}
