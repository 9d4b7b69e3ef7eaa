package controller

import "time"

// How long a node waits for a DC, the members for a view that names one, and the
// DC for the configuration that a join brought, unless the options dc-deadtime,
// election-timeout and join-finalization-timeout say otherwise; zero is for ever.
const (
	dcDeadtime      = 20 * time.Second
	electionTimeout = 2 * time.Minute
	finalization    = 10 * time.Second
)

// timers looks at the times that the state bounds. The membership layer, which
// seeks a view with quorum all the time, names the DC: the node says what it
// waits for and takes part in the election by being in S_ELECTION.
func (m *Machine) timers() {
	if m.since.IsZero() {
		m.since = m.now
	}
	if m.popped || m.leaving {
		return
	}
	why := m.view.Reason
	if why == "" {
		why = "no view has been agreed yet"
	}
	switch m.state {
	case Starting, PendingState:
		bound := m.interval("dc-deadtime", dcDeadtime)
		if bound <= 0 || m.now.Sub(m.since) < bound {
			return
		}
		m.popped = true
		if m.view.DC != "" {
			m.warn("crmd", "crm_timer_popped: Election Trigger (I_DC_TIMEOUT) just popped in state %s: the DC %s has not admitted this node within %v (dc-deadtime)", m.state, m.view.DC, bound)
			return
		}
		m.warn("crmd", "crm_timer_popped: Election Trigger (I_DC_TIMEOUT) just popped in state %s: no DC within %v (dc-deadtime): %s", m.state, bound, why)
		m.begin()
		m.to(Election, "I_DC_TIMEOUT", "C_TIMER_POPPED", "crm_timer_popped")
	case Election:
		bound := m.interval("election-timeout", electionTimeout)
		if bound > 0 && m.now.Sub(m.since) >= bound {
			m.popped = true
			m.warn("crmd", "crm_timer_popped: Election Timeout (I_ELECTION) just popped in state %s: no DC has been agreed within %v (election-timeout): %s", m.state, bound, why)
		}
	}
}

// finalize gives up the wait for a configuration that a join brought and that
// does not become the cluster's.
func (m *Machine) finalize() {
	d := m.dc
	bound := m.interval("join-finalization-timeout", finalization)
	if d.importing && bound > 0 && m.now.Sub(d.offered) >= bound {
		d.importing = false
		m.warn("crmd", "crm_timer_popped: Finalization Timer (I_ELECTION) just popped in state %s: the configuration found on a member's disk has not become the cluster's within %v (join-finalization-timeout): the join ends with configuration %s", m.state, bound, versionOf(m.config))
	}
}

// probed tells the members on which a complete transition has left no resource
// unprobed that this is so, by their attribute probe_complete. It is an action of
// the transition engine's own, numbered after those of the graph.
func (m *Machine) probed() {
	last := 0
	for _, a := range m.dc.engine.Graph().Actions {
		last = max(last, a.ID)
	}
	for _, mem := range m.view.Members {
		n := m.dc.nodes[mem.Name]
		if n == nil || !n.online || n.leaving {
			continue
		}
		if _, set := n.attrs["probe_complete"]; set {
			continue
		}
		last++
		m.info("tengine", "send_rsc_command: Initiating action %d: probe_complete on %s", last, n.uname)
		n.attrs["probe_complete"] = "true"
		m.touched(n)
		m.setAttrOn(n, map[string]*string{"probe_complete": ptr("true")})
	}
}
