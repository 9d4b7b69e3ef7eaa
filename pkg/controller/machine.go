package controller

import (
	"fmt"
	"log/slog"
	"sort"
	"time"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/lrm"
)

// Config sets a machine up.
type Config struct {
	// Self is this node's name, UUID its id where the configuration has none.
	Self, UUID string
	// TransitionerID marks the transitions made by this life of the daemon.
	TransitionerID string
	// Version and Stack are what the configuration says of the DC (dc-version,
	// cluster-infrastructure); with an empty Version it says nothing.
	Version, Stack string
	// Candidate is a configuration found on disk that the cluster may not
	// know, as text, or "".
	Candidate string
	// Secretive leaves out of the reports to the DC what is in flight (rule 30). For
	// tests of tests.
	Secretive bool
}

// Machine is the controller of one node. It is not safe for concurrent use.
type Machine struct {
	cfg   Config
	state State
	now   time.Time
	// since is when the state was entered; popped tells that its time has run out.
	since  time.Time
	popped bool
	view   ccm.View
	// lastDC is the DC of the last view with quorum, "" once it has left.
	lastDC string

	config *cib.Element // newest configuration, without status
	hist   *history     // what was run on this node
	attrs  map[string]string
	flight map[string]lrm.Op // in flight here, by transition key
	// ownStops counts the stops that were reported and that no DC asked for: those
	// at the end of the lease.
	ownStops  uint64
	toldStops uint64 // so many of them the DC was told of once more
	// uncounted are the reports of failures for which no DC has set a fail count
	// here yet, by the attribute; they are repeated after a join.
	uncounted map[string]*message
	leaving   bool
	left      bool
	asked     time.Time // when a shutdown was last asked for
	leavingAt time.Time // when it was asked for first

	dc    *dc                     // set while this node is the DC
	shown map[string]*cib.Element // node_state by name, as the DC told
	// unread are those that came since anybody looked, as text.
	unread []string
	future []heldMessage // messages of a view not installed here yet
	// shownUpdates is the version of the shown status beside the configuration
	// of the version shownConfig.
	shownUpdates uint64
	shownConfig  string

	// peSerial and transition number the runs and transitions of all the times
	// this node is the DC, so that no late answer or result fits a newer one.
	peSerial   uint64
	transition int

	views int // views with quorum, for the log

	shunned map[string]int // how often a member did not answer, as the DC

	offered bool // a DC has decided about our candidate

	candidate *cib.Element // Config.Candidate, until the cluster has gone past it

	fx []Effect
}

type heldMessage struct {
	from string
	msg  *message
}

// New returns the machine of a node that has just started.
func New(cfg Config) *Machine {
	m := &Machine{
		cfg: cfg, state: Starting,
		config: cib.New("cib").WithChild(cib.New("configuration")),
		hist:   newHistory(), attrs: map[string]string{}, flight: map[string]lrm.Op{},
		shown: map[string]*cib.Element{}, uncounted: map[string]*message{}, shunned: map[string]int{},
	}
	if cfg.Candidate != "" {
		root, err := cib.Parse([]byte(cfg.Candidate), "configuration of "+cfg.Self)
		if err != nil {
			m.warn("cib", "%v: ignored", err)
		}
		m.candidate = root
	}
	return m
}

// Effects returns what is to be done, in order, and forgets it.
func (m *Machine) Effects() []Effect {
	fx := m.fx
	m.fx = nil
	return fx
}

// State returns the state of the controller.
func (m *Machine) State() State { return m.state }

func (m *Machine) do(e Effect) { m.fx = append(m.fx, e) }

func (m *Machine) info(component, format string, a ...any) {
	m.do(Log{slog.LevelInfo, component, fmt.Sprintf(format, a...)})
}

func (m *Machine) warn(component, format string, a ...any) {
	m.do(Log{slog.LevelWarn, component, fmt.Sprintf(format, a...)})
}

func (m *Machine) send(to string, msg *message) {
	msg.Instance = m.view.Instance
	m.do(Send{to, *msg})
}

// eventFlux is the event of a view that is about to be replaced: quorum is not
// lost, it is being agreed anew, within milliseconds as a rule.
const eventFlux = "OC_EV_MS_NOT_PRIMARY"

// View takes a newly installed view.
func (m *Machine) View(now time.Time, v ccm.View) {
	m.now = now
	old := m.view
	m.view = v
	if !v.Quorum || v.DC == "" {
		m.dc = nil
		if old.DC != "" {
			m.info("crmd", "update_dc: Set DC to <null> (<null>)")
		}
		switch {
		case v.Event != eventFlux:
			m.deadDC(v)
			m.follow()
		case m.state == Starting || m.state == PendingState:
			m.begin()
		default:
			m.elect()
		}
		m.do(StatusChanged{})
		if m.leaving && v.Event != eventFlux {
			m.leave()
		}
		return
	}
	m.deadDC(v)
	m.views++
	m.info("cib", "cib_diff_notify: Local-only Change (client: crmd, call: %d): %s (ok)", m.views, versionOf(m.config)) // who is a member
	if old.DC != v.DC {
		m.info("crmd", "update_dc: Set DC to %s (%s)", v.DC, featureSet)
	}
	first := m.lastDC != v.DC
	m.lastDC = v.DC
	if v.DC == m.cfg.Self {
		if first {
			m.info("crmd", "do_dc_takeover: Taking over DC status for this partition")
		}
		m.becomeDC()
	} else {
		m.dc = nil
		m.follow()
	}
	m.do(StatusChanged{})
	held := m.future
	m.future = nil
	for _, h := range held {
		m.handle(h.from, h.msg)
	}
}

// deadDC says that the DC is no member any more.
func (m *Machine) deadDC(v ccm.View) {
	if m.lastDC != "" && !v.Has(m.lastDC) {
		m.warn("crmd", "check_dead_member: Our DC node (%s) left the cluster", m.lastDC)
		m.lastDC = ""
	}
}

// Message takes a message from the controller of a member.
func (m *Machine) Message(now time.Time, from string, payload []byte) error {
	m.now = now
	msg, err := decodeMessage(payload)
	if err != nil {
		return fmt.Errorf("from %s: %w", from, err)
	}
	m.handle(from, msg)
	return nil
}

// Take is Message for what another machine of the same process asked to send. It
// keeps no part of it that the sender changes.
func (m *Machine) Take(now time.Time, from string, s Send) {
	m.now = now
	m.handle(from, &s.msg)
}

// maxFuture bounds the messages kept for a view that is about to come.
const maxFuture = 10000

func (m *Machine) handle(from string, msg *message) {
	switch {
	case m.view.Instance.Less(msg.Instance):
		if len(m.future) < maxFuture {
			m.future = append(m.future, heldMessage{from, msg})
		}
		return
	case msg.Instance.Less(m.view.Instance) || !m.view.Quorum:
		return // of a view that is over: its DC is not obeyed
	}
	switch msg.Kind {
	case msgJoinOffer, msgJoinAck, msgCommand, msgAttrSet, msgStatus, msgDoShutdown:
		if from != m.view.DC {
			m.warn("crmd", "%s from %s ignored: the DC is %s", msg.Kind, from, m.view.DC)
			return
		}
		m.obey(msg)
	case msgForget:
		m.forget(msg.Resource)
	default:
		if m.dc != nil {
			m.fromMember(from, msg)
		}
	}
}

// Configuration takes the newest configuration: a cib element.
func (m *Machine) Configuration(now time.Time, root *cib.Element) {
	m.now = now
	m.config = root
	if m.offered && older(m.candidate, root) {
		m.candidate = nil // what became of it is part of the cluster's history now
	}
	if m.dc != nil {
		m.dcConfiguration()
	}
	m.do(StatusChanged{})
}

// Shutdown asks that this node leave the cluster, its resources first.
func (m *Machine) Shutdown(now time.Time) {
	m.now = now
	if m.leaving {
		return
	}
	m.leaving, m.leavingAt = true, now
	m.info("crmd", "Heartbeat shutdown in progress: resources move away first")
	if !m.view.Quorum {
		m.leave()
		return
	}
	m.askShutdown()
}

// shutdownEscalation is how long a node that leaves waits for the DC to move its
// resources away.
const shutdownEscalation = 20 * time.Minute

func (m *Machine) askShutdown() {
	m.asked = m.now
	m.send(m.view.DC, &message{Kind: msgShutdown})
}

func (m *Machine) leave() {
	if m.left {
		return
	}
	m.left = true
	m.to(Stopping, "I_STOP", "C_SHUTDOWN", "leave")
	m.do(Leave{})
}

// Tick lets time pass.
func (m *Machine) Tick(now time.Time) {
	m.now = now
	if m.leaving && !m.left {
		if esc := m.interval("shutdown-escalation", shutdownEscalation); esc > 0 && now.Sub(m.leavingAt) >= esc {
			m.warn("crmd", "crm_timer_popped: Shutdown Escalation (I_STOP) just popped in state %s: the DC has not let this node go within %v, what still runs here is stopped now", m.state, esc)
			m.leave()
		}
	}
	if m.leaving && !m.left && m.view.Quorum && now.Sub(m.asked) >= time.Second {
		m.askShutdown()
	}
	m.timers()
	if m.dc != nil {
		m.dcTick()
	}
}

// Document returns the configuration with the status as this node knows it: on
// the DC the truth, on a member what the DC last told, without quorum what this
// node sees by itself.
func (m *Machine) Document() *cib.Element {
	ids := nodeIDs(m.config)
	if m.dc != nil {
		return Compose(m.config, m.dc.elements(), true, m.dc.idOf(m.cfg.Self)).
			WithAttr("num_updates", fmt.Sprint(m.dc.numUpdates))
	}
	names := make([]string, 0, len(m.shown))
	for n := range m.shownNodes() {
		names = append(names, n)
	}
	if m.shown[m.cfg.Self] == nil {
		names = append(names, m.cfg.Self)
	}
	sort.Strings(names)
	var nodes []*cib.Element
	for _, n := range names {
		e := m.shown[n]
		switch {
		case n == m.cfg.Self && !m.view.Quorum:
			s := newNodeStatus(n, idOr(ids, n, m.cfg.UUID))
			s.member, s.online, s.leaving = true, true, m.leaving
			s.attrs, s.hist = m.attrs, m.hist
			e = s.element()
		case e == nil:
			continue
		case !m.view.Has(n):
			e = newNodeStatus(n, e.ID()).element()
		}
		nodes = append(nodes, e)
	}
	dcID := ""
	if m.view.Quorum {
		dcID = idOr(ids, m.view.DC, "")
	}
	root := Compose(m.config, nodes, m.view.Quorum, dcID)
	if !m.view.Quorum {
		return root
	}
	updates := uint64(0) // the DC begins anew with each configuration
	if m.shownConfig == versionOf(m.config) {
		updates = m.shownUpdates
	}
	return root.WithAttr("num_updates", fmt.Sprint(updates))
}

func idOr(ids map[string]string, name, other string) string {
	if id := ids[name]; id != "" {
		return id
	}
	return other
}

// Cleanup asks every member, or only the one named, to forget the history and
// failures of a resource, so that it is probed anew.
func (m *Machine) Cleanup(now time.Time, resource, node string) {
	m.now = now
	for _, mem := range m.view.Members {
		if node != "" && node != mem.Name {
			continue
		}
		m.send(mem.Name, &message{Kind: msgForget, Resource: resource})
	}
}
