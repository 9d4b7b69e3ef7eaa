package controller

import (
	"strconv"
	"strings"
	"time"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/lrm"
	"github.com/quorate/quorate/pengine"
	"github.com/quorate/quorate/pkg/transition"
)

// want asks for a run of the policy engine as soon as the join is complete and
// the running transition, if any, has come to rest.
func (m *Machine) want(reason string) {
	d := m.dc
	if d.wanted == "" {
		d.wanted = reason
		if delay := m.interval("transition-delay", 0); delay > 0 {
			d.notBefore = later(d.notBefore, m.now.Add(delay))
		}
	}
	if d.engine != nil {
		m.abort(reason)
	}
	m.advance()
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// abort lets nothing more of the running transition begin.
func (m *Machine) abort(reason string) {
	d := m.dc
	if _, already := d.engine.Aborted(); !already {
		d.aborted = m.now
		m.info("tengine", "abort_transition_graph: %s: nothing more of transition %d begins, and the policy engine decides anew",
			reason, d.engine.Graph().TransitionID)
	}
	d.engine.Abort(pengine.Infinity, reason)
	if m.now.Before(d.stubborn) {
		return
	}
	m.withdraw()
}

// withdrawAborted gives up what waits for a certificate for an aborted
// transition.
func (m *Machine) withdrawAborted() {
	if m.dc.engine == nil {
		return
	}
	if _, aborted := m.dc.engine.Aborted(); aborted {
		m.withdraw()
	}
}

// advance does what can be done next: fire actions, end a transition, start
// the policy engine, go idle.
func (m *Machine) advance() {
	d := m.dc
	if d == nil || len(d.waiting) > 0 || d.peRunning {
		return
	}
	if d.engine != nil {
		m.fire()
		if !d.engine.Over() || d.gate.waits() {
			if !m.detach() {
				return
			}
		}
		m.endTransition()
	}
	switch {
	case d.wanted != "" && m.awaits() != "":
	case d.wanted == "":
		m.to(Idle, "I_TE_SUCCESS", "C_IPC_MESSAGE", "do_msg_route")
		if !d.importing && !m.addingNodes() {
			m.identify()
		}
	case m.now.Before(d.notBefore):
	case d.importing || m.addingNodes():
	default:
		m.schedule()
	}
}

func (m *Machine) schedule() {
	d := m.dc
	if m.state == FinalizeJoin {
		m.to(PolicyEngine, "I_FINALIZED", "C_FSA_INTERNAL", "check_join_state")
		m.info("crmd", "do_state_transition: All %d cluster nodes are eligible to run resources.", len(m.view.Members))
	}
	m.to(PolicyEngine, "I_PE_CALC", "C_FSA_INTERNAL", "do_pe_invoke")
	m.peSerial++
	d.peRunning = true
	d.scheduled = m.now
	d.knownStops = map[string]uint64{}
	for name, n := range d.nodes {
		d.knownStops[name] = n.ownStops
	}
	reason := d.wanted
	d.wanted = ""
	m.info("crmd", "do_pe_invoke: Query of the policy engine, transition %d: %s", m.transition, reason)
	m.do(Schedule{m.peSerial, m.Document(), m.transition})
}

// Scheduled takes the answer of the policy engine; next is when time alone may
// change it, zero if never.
func (m *Machine) Scheduled(now time.Time, serial uint64, g *pengine.Graph, next time.Time, err error) {
	m.now = now
	d := m.dc
	if d == nil || !d.peRunning || serial != m.peSerial {
		return
	}
	d.peRunning = false
	d.nextChange = next
	if err != nil {
		m.warn("pengine", "the configuration cannot be scheduled: %v; nothing is changed until it is", err)
		d.notBefore = now.Add(10 * time.Second)
		m.to(TransitionEngine, "I_PE_SUCCESS", "C_IPC_MESSAGE", "route_message")
		m.to(Idle, "I_TE_SUCCESS", "C_IPC_MESSAGE", "do_msg_route")
		return
	}
	if d.wanted != "" { // something changed meanwhile: the answer is old
		if d.ignored++; d.ignored <= maxIgnored {
			m.advance()
			return
		}
		m.info("tengine", "the policy engine was asked %d times, and something changed each time before its answer came: what can begin at once of the last answer begins", d.ignored)
	}
	d.ignored = 0
	if why := m.unwanted(g); why != "" {
		m.info("tengine", "%s is in flight and not wanted any more: the policy engine decides when its result is known", why)
		if d.wanted == "" {
			d.wanted = why + " was in flight"
		}
		m.advance()
		return
	}
	m.transition++
	limit, migrations := 0, 0
	for _, p := range g.Params {
		switch p.Name {
		case "batch-limit":
			limit, _ = strconv.Atoi(p.Value)
		case "migration-limit":
			migrations, _ = strconv.Atoi(p.Value)
		}
	}
	m.to(TransitionEngine, "I_PE_SUCCESS", "C_IPC_MESSAGE", "route_message")
	m.info("tengine", "unpack_graph: Unpacked transition %d: %d actions in %d synapses",
		g.TransitionID, len(g.Actions), len(g.Actions))
	d.engine = transition.New(g, limit)
	d.engine.LimitMigrations(migrations)
	d.deadline, d.adopted = map[int]time.Time{}, map[string]int{}
	if d.wanted != "" {
		d.stubborn = m.now.Add(stubbornFor)
		m.fire()
		m.abort(d.wanted)
	}
	m.advance()
}

func (m *Machine) endTransition() {
	d := m.dc
	m.info("tengine", "run_graph: %v", d.engine)
	if reason, aborted := d.engine.Aborted(); aborted && d.wanted == "" {
		d.wanted = reason
	}
	if !d.engine.Complete() && d.wanted == "" {
		d.wanted = "transition " + strconv.Itoa(d.engine.Graph().TransitionID) + " is incomplete"
		d.notBefore = m.now.Add(time.Second)
	}
	if _, aborted := d.engine.Aborted(); !aborted && d.engine.Complete() {
		m.probed()
	}
	if d.wanted == "" {
		m.info("tengine", "notify_crmd: Transition %d status: te_complete", d.engine.Graph().TransitionID)
	}
	d.engine = nil
}

// fire starts every action that may start.
func (m *Machine) fire() {
	d := m.dc
	for {
		actions := d.engine.Fire()
		if len(actions) == 0 {
			return
		}
		for _, a := range actions {
			switch a.Kind {
			case pengine.PseudoEvent:
				m.info("tengine", "te_pseudo_action: Pseudo action %d fired and confirmed", a.ID)
			case pengine.CRMEvent:
				m.crmEvent(a)
			default:
				if Gated(a.Operation) && len(m.view.Lost) > 0 {
					m.hold(a)
				} else {
					m.initiate(a)
				}
			}
		}
	}
}

// patience is how long a result may take: the action's own timeout and delay
// plus cluster-delay for the way there and back.
func (m *Machine) patience(g *pengine.Graph, a *pengine.GraphAction) time.Duration {
	total := time.Minute
	for _, p := range g.Params {
		if p.Name == "cluster-delay" {
			if v, err := cib.ParseInterval(p.Value); err == nil {
				total = v
			}
		}
	}
	return total + metaMS(a, "CRM_meta_timeout", 20000) + metaMS(a, "CRM_meta_start_delay", 0)
}

func metaMS(a *pengine.GraphAction, name string, def int64) time.Duration {
	v, err := strconv.ParseInt(a.Param(name), 10, 64)
	if err != nil {
		v = def
	}
	return time.Duration(v) * time.Millisecond
}

// key is the transition key of an action: action:transition:target-rc:uuid.
func (m *Machine) key(a *pengine.GraphAction) string {
	return strconv.Itoa(a.ID) + ":" + strconv.Itoa(m.dc.engine.Graph().TransitionID) + ":" +
		strconv.Itoa(a.TargetRC) + ":" + m.cfg.TransitionerID
}

func params(a *pengine.GraphAction) map[string]string {
	out := make(map[string]string, len(a.Params))
	for _, p := range a.Params {
		out[p.Name] = p.Value
	}
	return out
}

func (m *Machine) initiate(a *pengine.GraphAction) {
	m.dc.deadline[a.ID] = m.now.Add(m.patience(m.dc.engine.Graph(), a))
	c := &Command{
		Operation:    a.Operation,
		IntervalMS:   metaMS(a, "CRM_meta_interval", 0).Milliseconds(),
		TimeoutMS:    metaMS(a, "CRM_meta_timeout", 20000).Milliseconds(),
		StartDelayMS: metaMS(a, "CRM_meta_start_delay", 0).Milliseconds(),
		CancelOp:     a.Param("CRM_meta_operation"), TransitionKey: m.key(a),
	}
	if p := a.Primitive; p != nil {
		c.Resource, c.Class, c.Provider, c.Type = p.ID, p.Class, p.Provider, p.Type
	}
	c.Params = params(a)
	c.known(m.dc, a.Node)
	if old := m.dc.inFlight(a.Node, c.Resource, lrm.OpKey(c.Resource, c.Operation, time.Duration(c.IntervalMS)*time.Millisecond)); old != "" {
		m.info("tengine", "send_rsc_command: action %d: %s on %s is in flight already: its result is waited for", a.ID, a.Key, a.Node)
		m.dc.adopted[old] = a.ID
		if op, ok := m.dc.carried[old]; ok {
			m.dc.deadline[a.ID] = op.deadline
		}
		return
	}
	m.info("tengine", "send_rsc_command: Initiating action %d: %s on %s", a.ID, a.Key, a.Node)
	m.send(a.Node, &message{Kind: msgCommand, Command: c})
}

// crmEvent carries out an action of the cluster itself.
func (m *Machine) crmEvent(a *pengine.GraphAction) {
	d := m.dc
	switch a.Operation {
	case "do_shutdown":
		m.info("tengine", "te_crm_command: Executing crm-event (%d): do_shutdown on %s", a.ID, a.Node)
		m.send(a.Node, &message{Kind: msgDoShutdown})
		d.engine.Confirm(a.ID, true)
	case "clear_failcount":
		m.clearFailures(a)
		d.engine.Confirm(a.ID, true)
	case "stonith":
		if m.view.Has(a.Node) {
			m.warn("tengine", "fencing of %s (%d) cannot be done: %s is a member of the cluster and no fencing device is run yet; what depends on it waits: stop what failed there by hand, then clean it up",
				a.Node, a.ID, a.Node)
			d.gate.parked = append(d.gate.parked, a)
			return
		}
		m.info("tengine", "te_fence_node: Executing %s fencing operation (%d) on %s: no fencing device is run yet, so it completes when the lease of %s has provably run out",
			a.Param("stonith_action"), a.ID, a.Node, a.Node)
		m.hold(a)
	default:
		m.warn("tengine", "crm event %s on %s is not known: taken as done", a.Operation, a.Node)
		d.engine.Confirm(a.ID, true)
	}
}

func (m *Machine) clearFailures(a *pengine.GraphAction) {
	n := m.dc.byName(a.Node)
	if n == nil {
		return
	}
	rsc := attributeName(strings.TrimSuffix(a.Key, "_clear_failcount_0"))
	gone := map[string]*string{}
	for k := range n.attrs {
		if failureOf(k, rsc) {
			gone[k] = nil
		}
	}
	for k := range gone {
		delete(n.attrs, k)
	}
	if len(gone) > 0 {
		m.touched(n)
		m.setAttrOn(n, gone)
	}
}
