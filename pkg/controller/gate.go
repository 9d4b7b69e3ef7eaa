package controller

import (
	"slices"
	"time"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/pengine"
)

// gate holds back what may only happen when lost nodes have provably let go:
// starts and promotions anywhere, and the completion of fencing.
//
// One certificate serves one decision: it lets through what was held when it
// was asked for.
type gate struct {
	held   []*pengine.GraphAction // not asked for yet
	asking []*pengine.GraphAction // the outstanding certificate is for these
	// outstanding tells that a certificate has been asked for and has not come;
	// what it was for may have been withdrawn meanwhile.
	outstanding bool
	// parked are fencing operations on members of the view: no lease of theirs
	// runs out, so they wait until the next transition.
	parked []*pengine.GraphAction
	retry  time.Time
	said   bool
}

// waits reports whether an action waits for a certificate.
func (g *gate) waits() bool { return len(g.held)+len(g.asking)+len(g.parked) > 0 }

// certifyRetry is how long the gate waits before it asks again.
const certifyRetry = 20 * time.Millisecond

func (m *Machine) hold(a *pengine.GraphAction) {
	g := &m.dc.gate
	g.held = append(g.held, a)
	m.gateTick()
}

func (m *Machine) gateTick() {
	g := &m.dc.gate
	if g.outstanding || len(g.held) == 0 || m.now.Before(g.retry) {
		return
	}
	g.asking, g.held, g.outstanding = g.held, nil, true
	m.do(Certify{m.view.Instance})
}

// withdraw gives up what the gate holds: nothing of it was begun, and the
// transition it belongs to is aborted.
func (m *Machine) withdraw() {
	g := &m.dc.gate
	for _, a := range slices.Concat(g.asking, g.held, g.parked) {
		m.dc.engine.Confirm(a.ID, false)
	}
	g.asking, g.held, g.parked, g.said = nil, nil, nil, false
}

// Certified takes the answer to a Certify: the lost nodes whose lease has
// provably run out.
func (m *Machine) Certified(now time.Time, in ccm.Instance, expired []string) {
	m.now = now
	if m.dc == nil || in != m.view.Instance {
		return
	}
	d := m.dc
	g := &d.gate
	gone := map[string]bool{}
	for _, n := range expired {
		gone[n] = true
	}
	all, missing := true, ""
	for _, n := range m.view.Lost {
		if !gone[n] {
			all, missing = false, n
		}
	}
	batch, rest := g.asking, g.held
	g.asking, g.held, g.outstanding = nil, nil, false
	for _, a := range batch {
		switch {
		case a.Kind == pengine.CRMEvent && gone[a.Node]:
			m.info("tengine", "tengine_stonith_callback: %s let go of everything: its lease has run out; fencing operation (%d) is complete", a.Node, a.ID)
			m.fenced(a.Node)
			m.do(Fenced{a.Node, a.Param("stonith_action")})
			d.engine.Confirm(a.ID, true)
		case a.Kind == pengine.RscOp && all:
			m.initiate(a)
		default:
			g.held = append(g.held, a)
		}
	}
	if len(g.held) > 0 && !g.said && missing != "" {
		g.said = true
		m.info("tengine", "waiting with %s: %s is lost and may still hold resources until its lease has run out",
			g.held[0].Key, missing)
	}
	g.held = append(g.held, rest...)
	g.retry = now.Add(certifyRetry)
	m.advance()
}

// fenced notes that a lost node certainly runs nothing.
func (m *Machine) fenced(name string) {
	if n := m.dc.byName(name); n != nil {
		n.leaving = true
		n.hist = newHistory()
		m.touched(n)
	}
}

// NextTick returns when Tick is wanted at the latest, given the time of the
// last event.
func (m *Machine) NextTick() time.Duration {
	if d := m.dc; d != nil {
		if len(d.gate.held) > 0 {
			return certifyRetry
		}
		switch {
		case d.engine != nil && d.wanted != "":
			return detachAfter / 5
		case d.wanted != "" && d.engine == nil && !d.peRunning:
			return 50 * time.Millisecond
		case len(d.changed) > 0:
			return min(max(50*time.Millisecond, d.pause), time.Second)
		}
	}
	return time.Second
}
