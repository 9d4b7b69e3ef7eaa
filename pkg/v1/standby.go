package v1

import (
	"slices"
	"time"

	"github.com/quorate/quorate/pkg/hacf"
)

// replyBound is how long a node that wants to go standby waits for another one.
const replyBound = 10 * time.Second

// standbyBound is when a standby that does not end is not waited for any more.
const standbyBound = time.Hour

// standby is this node giving lines to others.
type standby struct {
	scope   string
	lines   map[string]bool
	begun   time.Time
	granted bool // another node can take them
	given   bool // they are released here
}

// scoped are the lines held here that a word means.
func (m *Machine) scoped(scope string) (ids []string) {
	for i := range m.cfg.Plan.Lines {
		l := &m.cfg.Plan.Lines[i]
		local := l.Node == m.cfg.Self
		if m.touched(l) && (scope == "all" || local == (scope == "local")) {
			ids = append(ids, l.ID)
		}
	}
	return ids
}

// Standby gives the lines of a scope to the other nodes. It returns a sentence
// when it refuses.
func (m *Machine) Standby(now time.Time, scope string) (refused string) {
	m.now = now
	if !validScope(scope) {
		return "[" + scope + "] is none of all, local, foreign and failback"
	}
	switch {
	case m.cfg.Plan.Failback == hacf.FailbackLegacy:
		refused = "Standby mode only implemented when nice_failback on"
	case m.standby != nil:
		refused = "Standby in progress- new request from " + m.cfg.Self + " ignored"
	case m.leaving:
		refused = "this node is leaving the cluster: its resources move anyway"
	}
	if refused != "" {
		m.warn("%s", refused)
		return refused
	}
	m.info("%s wants to go standby [%s]", m.cfg.Self, scope)
	if len(m.members()) == 0 || !m.view.Quorum {
		refused = "No reply to standby request.  Standby request cancelled."
		m.warn("%s", refused)
		return refused
	}
	ids := m.scoped(scope)
	m.standby = &standby{scope: scope, lines: map[string]bool{}, begun: now}
	for _, id := range ids {
		m.standby.lines[id] = true
	}
	m.tell(message{Kind: msgAsk, Scope: scope, Lines: ids, Pings: m.pings})
	return ""
}

// ready takes the answer of another node to a request of this one.
func (m *Machine) ready(from string) {
	s := m.standby
	if s == nil || s.granted {
		return
	}
	for id := range s.lines {
		m.set(StandbyAttribute(id))
		m.stood[id] = true
	}
	m.granted(from)
}

func (m *Machine) granted(by string) {
	s := m.standby
	s.granted = true
	m.info("standby: %s can take our %s resources", by, s.scope)
	m.info("give up %s HA resources (standby).", s.scope)
	m.released()
}

// released says that a standby is done on this side, when it is.
func (m *Machine) released() {
	s := m.standby
	if s == nil || !s.granted || s.given {
		return
	}
	for id := range s.lines {
		if l := m.byID(id); l != nil && m.touched(l) {
			return
		}
	}
	s.given = true
	m.info("%s HA resource release completed (standby).", s.scope)
	m.info("Local standby process completed [%s].", s.scope)
	m.standbyProgress()
}

// standbyProgress ends a standby when others hold what was given.
func (m *Machine) standbyProgress() {
	s := m.standby
	if s == nil || !s.given {
		return
	}
	for id := range s.lines {
		found := false
		for _, name := range m.members() {
			found = found || m.peer(name).held[id]
		}
		if !found {
			return
		}
	}
	m.standby = nil
	m.info("Other node completed standby takeover of %s resources.", s.scope)
}

func (m *Machine) standbyTimeout() {
	s := m.standby
	switch {
	case s == nil:
	case !s.granted && m.now.Sub(s.begun) > replyBound:
		m.warn("No reply to standby request.  Standby request cancelled.")
		m.standby = nil
	case len(m.members()) == 0 || m.now.Sub(s.begun) > standbyBound:
		m.standby = nil
	}
}

// Takeover asks for the lines of a scope: those that others hold are asked for,
// those that nobody holds are taken. It returns a sentence when it refuses.
func (m *Machine) Takeover(now time.Time, scope string) (refused string) {
	m.now = now
	if !validScope(scope) {
		return "[" + scope + "] is none of all, local, foreign and failback"
	}
	theirs := opposite(scope)
	if scope == "failback" {
		theirs = "foreign"
	}
	asked := false
	for _, name := range m.members() {
		if p := m.peer(name); len(p.held) > 0 {
			asked = true
			m.send(name, message{Kind: msgTakeover, Scope: theirs, Pings: m.pings})
		}
	}
	for i := range m.cfg.Plan.Lines {
		l := &m.cfg.Plan.Lines[i]
		local := l.Node == m.cfg.Self
		if scope != "all" && local != (scope != "foreign") || m.elsewhere(l.ID) {
			continue
		}
		m.unset(StandbyAttribute(l.ID))
		if m.cfg.Plan.Manual {
			m.set(TakeAttribute(l.ID))
		}
		if !m.touched(l) {
			for _, r := range l.Members {
				m.do(Forget{r})
			}
		}
	}
	if !asked && !m.view.Quorum {
		return "no quorum: " + m.view.Reason
	}
	return ""
}

func (m *Machine) elsewhere(id string) bool {
	return slices.ContainsFunc(m.members(), func(n string) bool { return m.peer(n).held[id] })
}
