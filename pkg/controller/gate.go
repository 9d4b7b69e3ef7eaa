package controller

import (
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
	held  []*pengine.GraphAction
	asked int // how many of held the outstanding certificate is for, 0: none
	retry time.Time
	said  bool
}

// certifyRetry is how long the gate waits before it asks again.
const certifyRetry = 20 * time.Millisecond

func (m *Machine) hold(a *pengine.GraphAction) {
	g := &m.dc.gate
	g.held = append(g.held, a)
	m.gateTick()
}

func (m *Machine) gateTick() {
	g := &m.dc.gate
	if g.asked > 0 || len(g.held) == 0 || m.now.Before(g.retry) {
		return
	}
	g.asked = len(g.held)
	m.do(Certify{m.view.Instance})
}

// Certified takes the answer to a Certify: the lost nodes whose lease has
// provably run out.
func (m *Machine) Certified(now time.Time, in ccm.Instance, expired []string) {
	m.now = now
	if m.dc == nil || in != m.view.Instance || m.dc.engine == nil {
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
	batch := g.held[:g.asked]
	rest := append([]*pengine.GraphAction(nil), g.held[g.asked:]...)
	g.held, g.asked = nil, 0
	for _, a := range batch {
		switch {
		case a.Kind == pengine.CRMEvent && gone[a.Node]:
			m.info("tengine", "tengine_stonith_callback: %s let go of everything: its lease has run out; fencing operation (%d) is complete", a.Node, a.ID)
			m.fenced(a.Node)
			d.engine.Confirm(a.ID, true)
		case a.Kind == pengine.RscOp && all:
			m.initiate(a)
		default:
			g.held = append(g.held, a)
		}
	}
	if len(g.held) > 0 && !g.said {
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
		if len(d.changed) > 0 || d.wanted != "" {
			return 50 * time.Millisecond
		}
	}
	return time.Second
}
