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
	}
	if d.engine != nil {
		if _, already := d.engine.Aborted(); !already {
			m.info("tengine", "abort_transition_graph: %s: what runs is finished, then the policy engine decides anew", reason)
		}
		d.engine.Abort(pengine.Infinity, reason)
	}
	m.advance()
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
		if !d.engine.Over() || len(d.gate.held) > 0 {
			return
		}
		m.endTransition()
	}
	switch {
	case d.wanted == "":
		m.to(Idle, "I_TE_SUCCESS", "C_FSA_INTERNAL", "notify_crmd")
	case m.now.Before(d.notBefore):
	default:
		m.schedule()
	}
}

func (m *Machine) schedule() {
	d := m.dc
	m.to(PolicyEngine, "I_PE_CALC", "C_FSA_INTERNAL", "do_state_transition")
	d.peSerial++
	d.peRunning = true
	d.scheduled = m.now
	reason := d.wanted
	d.wanted = ""
	m.info("crmd", "do_pe_invoke: Query of the policy engine, transition %d: %s", d.transition, reason)
	m.do(Schedule{d.peSerial, m.Document(), d.transition})
}

// Scheduled takes the answer of the policy engine.
func (m *Machine) Scheduled(now time.Time, serial uint64, g *pengine.Graph, err error) {
	m.now = now
	d := m.dc
	if d == nil || !d.peRunning || serial != d.peSerial {
		return
	}
	d.peRunning = false
	if err != nil {
		m.warn("pengine", "the configuration cannot be scheduled: %v; nothing is changed until it is", err)
		d.notBefore = now.Add(10 * time.Second)
		m.to(Idle, "I_PE_SUCCESS", "C_IPC_MESSAGE", "pe_error")
		return
	}
	if d.wanted != "" { // something changed meanwhile: the answer is old
		m.advance()
		return
	}
	d.transition++
	limit := 0
	for _, p := range g.Params {
		if p.Name == "batch-limit" {
			limit, _ = strconv.Atoi(p.Value)
		}
	}
	m.to(TransitionEngine, "I_PE_SUCCESS", "C_IPC_MESSAGE", "route_message")
	m.info("tengine", "unpack_graph: Unpacked transition %d: %d actions in %d synapses",
		g.TransitionID, len(g.Actions), len(g.Actions))
	d.engine = transition.New(g, limit)
	d.gate = gate{}
	d.deadline, d.adopted = map[int]time.Time{}, map[string]int{}
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
	if d.wanted == "" {
		m.info("tengine", "notify_crmd: Transition %d status: te_complete", d.engine.Graph().TransitionID)
	}
	d.engine = nil
}

// fire starts every action that may start.
func (m *Machine) fire() {
	d := m.dc
	g := d.engine.Graph()
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
				d.deadline[a.ID] = m.now.Add(m.patience(g, a))
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

func (m *Machine) initiate(a *pengine.GraphAction) {
	c := &Command{
		Operation: a.Operation, Params: map[string]string{},
		IntervalMS:   metaMS(a, "CRM_meta_interval", 0).Milliseconds(),
		TimeoutMS:    metaMS(a, "CRM_meta_timeout", 20000).Milliseconds(),
		StartDelayMS: metaMS(a, "CRM_meta_start_delay", 0).Milliseconds(),
		CancelOp:     a.Param("CRM_meta_operation"), TransitionKey: m.key(a),
	}
	if p := a.Primitive; p != nil {
		c.Resource, c.Class, c.Provider, c.Type = p.ID, p.Class, p.Provider, p.Type
	}
	for _, p := range a.Params {
		c.Params[p.Name] = p.Value
	}
	if old := m.dc.inFlight(a.Node, c.Resource, lrm.OpKey(c.Resource, c.Operation, time.Duration(c.IntervalMS)*time.Millisecond)); old != "" {
		m.info("tengine", "send_rsc_command: action %d: %s on %s is in flight already: its result is waited for", a.ID, a.Key, a.Node)
		m.dc.adopted[old] = a.ID
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
	rsc := strings.TrimSuffix(a.Key, "_clear_failcount_0")
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

// expireActions gives up actions whose result is overdue.
func (m *Machine) expireActions() {
	d := m.dc
	if d.engine == nil {
		return
	}
	for _, a := range d.engine.Running() {
		if t, ok := d.deadline[a.ID]; ok && !m.now.Before(t) {
			m.warn("tengine", "rsc_op %d: %s on %s timed out: no result came back; what became of it is unknown until %s reports",
				a.ID, a.Key, a.Node, a.Node)
			d.engine.Confirm(a.ID, false)
			m.want("lost result of " + a.Key + " on " + a.Node)
		}
	}
}

// result takes the end of an operation on a member.
func (m *Machine) result(n *nodeStatus, msg *message) {
	d := m.dc
	parts := strings.SplitN(msg.TransitionKey, ":", 4)
	id := -1
	if mine, ok := d.adopted[msg.TransitionKey]; ok && d.engine != nil {
		id = mine
		delete(d.adopted, msg.TransitionKey)
	} else if len(parts) == 4 && d.engine != nil && parts[3] == m.cfg.TransitionerID &&
		parts[1] == strconv.Itoa(d.engine.Graph().TransitionID) {
		id, _ = strconv.Atoi(parts[0])
	}
	if msg.Refused != "" {
		if id >= 0 && d.engine.Confirm(id, false) {
			m.warn("tengine", "action %d on %s was refused there: %s", id, n.uname, msg.Refused)
			d.notBefore = m.now.Add(200 * time.Millisecond)
		}
		m.want("an action on " + n.uname + " was refused")
		return
	}
	n.hist.forget(msg.Resource)
	for _, text := range msg.Resources {
		e, err := cib.Parse([]byte(text), "result from "+n.uname)
		if err != nil {
			m.warn("crmd", "%v", err)
			return
		}
		n.hist.merge(e)
	}
	m.touched(n)
	ok := !failed(msg.RC, msg.Status, targetRC(msg.TransitionKey)) || len(parts) != 4
	if !ok {
		m.failure(n, msg)
	}
	if id >= 0 && d.engine.Confirm(id, ok) {
		delete(d.deadline, id)
		if ok {
			m.info("tengine", "match_graph_event: Action %s (%d) confirmed on %s", msg.OpKey, id, n.uname)
			m.advance()
			return
		}
	}
	if id < 0 || !ok {
		m.want(msg.OpKey + " on " + n.uname + " ended with rc " + strconv.Itoa(msg.RC))
	}
}

// failure counts a failed operation on its node, as fail-count-RSC#OP_INTERVAL.
func (m *Machine) failure(n *nodeStatus, msg *message) {
	task, interval := msg.Operation, itoa64(msg.IntervalMS)
	switch {
	case task == "monitor" && msg.IntervalMS == 0, task == "notify": // probes and notifications do not count
		return
	}
	suffix := attributeName(msg.Resource) + "#" + task + "_" + interval
	count := "1"
	fatal := task == "stop" || task == "start" && m.option("start-failure-is-fatal") != "false"
	if fatal {
		count = "INFINITY"
	} else if old := n.attrs["fail-count-"+suffix]; old == "INFINITY" {
		count = old
	} else if v, err := strconv.Atoi(old); err == nil {
		count = strconv.Itoa(v + 1)
	}
	m.info("tengine", "update_failcount: Updating failcount for %s on %s after failed %s: rc=%d (update=%s)",
		msg.Resource, n.uname, task, msg.RC, count)
	attrs := map[string]*string{
		"fail-count-" + suffix:   &count,
		"last-failure-" + suffix: ptr(itoa64(m.now.Unix())),
	}
	for k, v := range attrs {
		n.attrs[k] = *v
	}
	m.touched(n)
	m.setAttrOn(n, attrs)
}
