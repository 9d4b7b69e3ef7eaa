package v1

import (
	"log/slog"
	"time"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/pkg/hacf"
)

// ipfail moves lines to the node that reaches more ping nodes.
type ipfail struct {
	states map[string]string // of nodes and links, as last told
	due    time.Time         // when lines are given up; zero: they are not
	scope  string            // which
	after  bool              // a standby of this part's is under way: count again at its end
	last   string            // what was found last
}

func (m *Machine) ipfailSays(format string, a ...any) { m.log(slog.LevelInfo, "ipfail", format, a...) }

// ipfailSees tells of changes of nodes and links.
func (m *Machine) ipfailSees(s *ccm.PeerStatus) {
	if !m.cfg.Ipfail {
		return
	}
	f := &m.ipfail
	if f.states == nil {
		f.states = map[string]string{}
	}
	if old, seen := f.states[s.Name]; old != s.Status {
		f.states[s.Name] = s.Status
		if seen {
			m.ipfailSays("Status update: Node %s now has status %s", s.Name, s.Status)
			if s.Type == "ping" {
				if m.alive(s.Name, s.Status) {
					m.ipfailSays("NS: We are still alive!")
				} else {
					m.ipfailSays("NS: We are dead. :<")
				}
				m.ipfailSays("Asking other side for ping node count.")
			}
		}
	}
	for _, l := range s.Links {
		st := "dead"
		if l.Up {
			st = "up"
		}
		key := s.Name + "/" + l.Name
		if old, seen := f.states[key]; old != st {
			f.states[key] = st
			if seen {
				m.ipfailSays("Link Status update: Link %s now has status %s", key, st)
			}
		}
	}
}

// alive reports whether a ping node counts as reached.
func (m *Machine) alive(_, status string) bool { return status == "ping" }

// balance compares how many ping nodes this node reaches with the others.
func (m *Machine) balance() {
	if !m.cfg.Ipfail || m.pings < 0 || m.leaving {
		return
	}
	best, equal, known := -1, true, false
	for _, name := range m.members() {
		n := m.peer(name).pings
		if n < 0 {
			continue
		}
		known = true
		best = max(best, n)
		equal = equal && n == m.pings
	}
	f := &m.ipfail
	found := "alone"
	switch {
	case !known:
	case best > m.pings:
		found = "fewer"
	case equal:
		found = "balanced"
	default:
		found = "more"
	}
	if found == f.last {
		return
	}
	before := f.last
	f.last = found
	switch found {
	case "fewer":
		m.ipfailSays("Giving up because we have less visible ping nodes.")
		m.delay("all")
	case "balanced":
		m.ipfailSays("Ping node count is balanced.")
		m.abort("auto_failback")
		if m.cfg.Plan.Failback == hacf.FailbackOn && before != "" && before != "alone" && len(m.scoped("foreign")) > 0 {
			m.ipfailSays("Giving up foreign resources (auto_failback).")
			m.delay("foreign")
		}
	case "more":
		m.ipfailSays("Telling other node that we have more visible ping nodes.")
		m.abort("more ping nodes")
	default:
		m.abort("no other node")
	}
}

func (m *Machine) delay(scope string) {
	f := &m.ipfail
	f.due, f.scope = m.now.Add(2*m.cfg.Keepalive), scope
	m.ipfailSays("Delayed giveup in %d seconds.", int(2*m.cfg.Keepalive/time.Second))
}

func (m *Machine) abort(why string) {
	if f := &m.ipfail; !f.due.IsZero() {
		f.due = time.Time{}
		m.ipfailSays("Aborted delayed giveup (%s)", why)
	}
}

// ipfailTick gives up when the delay is over and nothing is moving.
func (m *Machine) ipfailTick() {
	f := &m.ipfail
	if f.due.IsZero() || m.now.Before(f.due) || m.standby != nil || len(m.moving) > 0 {
		return
	}
	f.due = time.Time{}
	m.ipfailSays("giveup() called (timeout worked)")
	m.Standby(m.now, f.scope)
}
