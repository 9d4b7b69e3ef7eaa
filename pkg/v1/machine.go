package v1

import (
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/ccm/agree"
	"github.com/quorate/quorate/lrm"
	"github.com/quorate/quorate/pkg/hacf"
)

// Config is what a machine is told at its start.
type Config struct {
	// Self is this node.
	Self string
	Plan *Plan
	// Keepalive, Deadtime and Initdead are those of ha.cf.
	Keepalive, Deadtime, Initdead time.Duration
	// Nodes are the nodes of ha.cf.
	Nodes []string
	// Ipfail tells that ha.cf runs ipfail.
	Ipfail bool
	// Inherited tells that this program replaces one in the same process, whose
	// resources go on.
	Inherited bool
	// Attributes are those that the replaced program had set: see [Machine.Attributes].
	Attributes []string
	// Accounts are the numbers of hacluster and haclient here, for the log; "" tells
	// nobody.
	Accounts string
	// Script tells which file a word of haresources means on this node.
	Script func(name string) string
}

// Machine is the part of a node that belongs to haresources. It is not safe for
// concurrent use.
type Machine struct {
	cfg Config
	fx  []Effect
	now time.Time

	begun     time.Time
	initial   bool // the first acquisition is still to come
	toldWait  bool
	view      ccm.View
	peers     map[string]*peer
	holder    map[string]string // who held a line last, by id
	active    map[string]bool   // resources that run here
	probed    map[string]bool   // resources that were looked at
	moving    map[string]string // operations under way, by resource: start or stop
	gained    map[string]string // lines that are being acquired, and from whom
	losing    map[string]bool   // lines that are being released
	taking    map[string]string // lines that another one gives away, and the word for it
	stood     map[string]bool   // lines that this node went standby for
	relieved  string            // the word under which lines are being taken
	announced string
	leaving   bool
	gone      bool
	standby   *standby
	attrs     map[string]bool // of this node, that are set
	pings     int
	ipfail    ipfail
	orphans   map[string]bool // lines that wait for hb_takeover
}

// peer is another node.
type peer struct {
	name, status string
	links        map[string]bool
	held         map[string]bool
	stable       bool
	digest       string
	toldDigest   string
	toldAccounts string
	pings        int
	completed    bool // its transition was reported, in this life
	failback     bool // lines are going back to it
	acquired     bool // its death was reported
}

// New returns the machine of a node that starts.
func New(now time.Time, cfg Config) *Machine {
	m := &Machine{cfg: cfg, now: now, begun: now, initial: true, pings: -1, peers: map[string]*peer{}, holder: map[string]string{}, active: map[string]bool{},
		probed: map[string]bool{}, moving: map[string]string{}, gained: map[string]string{}, losing: map[string]bool{}, taking: map[string]string{}, stood: map[string]bool{}, orphans: map[string]bool{}, attrs: map[string]bool{}}
	for _, n := range cfg.Nodes {
		if n != cfg.Self {
			m.peer(n)
		}
	}
	for i := range cfg.Plan.Lines {
		l := &cfg.Plan.Lines[i]
		if cfg.Plan.Manual && (l.Node == cfg.Self && !cfg.Inherited || slices.Contains(cfg.Attributes, TakeAttribute(l.ID))) {
			m.set(TakeAttribute(l.ID))
		}
		if slices.Contains(cfg.Attributes, StandbyAttribute(l.ID)) {
			m.set(StandbyAttribute(l.ID))
			m.stood[l.ID] = true
		}
	}
	if cfg.Ipfail && cfg.Plan.Failback == hacf.FailbackLegacy {
		m.cfg.Ipfail = false
		m.warn("ipfail ends with exit code 100: it works with auto_failback on or off, not with legacy")
	}
	return m
}

// Attributes are the attributes of this node that are set. A program that takes this
// one's place in the process is given them: what hb_standby gave away stays away.
func (m *Machine) Attributes() []string { return slices.Sorted(maps.Keys(m.attrs)) }

func (m *Machine) peer(name string) *peer {
	if m.peers[name] == nil {
		m.peers[name] = &peer{name: name, pings: -1, status: "init", links: map[string]bool{}}
	}
	return m.peers[name]
}

func (m *Machine) names() []string { return slices.Sorted(maps.Keys(m.peers)) }

// members are the other nodes in the view.
func (m *Machine) members() (out []string) {
	for _, x := range m.view.Members {
		if x.Name != m.cfg.Self {
			out = append(out, x.Name)
		}
	}
	return out
}

// holds reports whether all of a line runs here.
func (m *Machine) holds(l *Line) bool {
	for _, r := range l.Members {
		if !m.active[r] {
			return false
		}
	}
	return true
}

// touched reports whether anything of a line runs here, or is about to.
func (m *Machine) touched(l *Line) bool {
	for _, r := range l.Members {
		if m.active[r] || m.moving[r] != "" {
			return true
		}
	}
	return false
}

func (m *Machine) held() (out []string) {
	for i := range m.cfg.Plan.Lines {
		if l := &m.cfg.Plan.Lines[i]; m.holds(l) {
			out = append(out, l.ID)
		}
	}
	return out
}

// stable reports whether nothing is moving here.
func (m *Machine) stable() bool {
	return m.view.Quorum && len(m.moving) == 0 && len(m.gained) == 0 && m.standby == nil
}

// Holding is the word of cl_status rscstatus: none, local, foreign, all or
// transition.
func (m *Machine) Holding() string {
	if len(m.moving) > 0 || !m.view.Quorum && m.view.Event == agree.EventNotPrimary {
		return "transition"
	}
	local, foreign := 0, 0
	for i := range m.cfg.Plan.Lines {
		switch l := &m.cfg.Plan.Lines[i]; {
		case !m.holds(l):
		case l.Node == m.cfg.Self:
			local++
		default:
			foreign++
		}
	}
	switch {
	case local+foreign == 0:
		return "none"
	case local+foreign == len(m.cfg.Plan.Lines):
		return "all"
	case foreign == 0:
		return "local"
	case local == 0:
		return "foreign"
	}
	return "all"
}

// SetPlan takes another plan, in place of the present one.
func (m *Machine) SetPlan(now time.Time, p *Plan) {
	m.now = now
	m.cfg.Plan = p
	m.standby = nil
	known := map[string]bool{}
	for i := range p.Lines {
		l := &p.Lines[i]
		known[l.ID] = true
		if p.Manual && l.Node == m.cfg.Self && !m.elsewhere(l.ID) {
			m.set(TakeAttribute(l.ID))
		}
	}
	gone := func(id string) bool { return !known[id] }
	maps.DeleteFunc(m.holder, func(id, _ string) bool { return gone(id) })
	maps.DeleteFunc(m.gained, func(id, _ string) bool { return gone(id) })
	maps.DeleteFunc(m.taking, func(id, _ string) bool { return gone(id) })
	for _, set := range []map[string]bool{m.losing, m.stood, m.orphans} {
		maps.DeleteFunc(set, func(id string, _ bool) bool { return gone(id) })
	}
	m.announce(true)
	for _, name := range m.names() {
		m.differs(m.peers[name])
	}
}

// View takes a newly installed view.
func (m *Machine) View(now time.Time, v ccm.View) {
	m.now = now
	old := m.view
	m.view = v
	if v.Event == agree.EventNotPrimary {
		return
	}
	for _, name := range m.names() {
		p := m.peers[name]
		again := false
		for _, x := range v.Members {
			for _, y := range old.Members {
				again = again || x.Name == name && y.Name == name && x.Incarnation != y.Incarnation
			}
		}
		if !v.Has(name) || again {
			p.stable, p.completed, p.failback, p.digest, p.toldDigest, p.pings = false, false, false, "", "", -1
			p.held = nil
		}
		if v.Has(name) {
			p.acquired = false
		}
	}
	m.announce(true)
	m.lookForOrphans()
}

// Peers takes the states of nodes and links; what has changed goes to the
// handlers, nodes before links.
func (m *Machine) Peers(now time.Time, list []ccm.PeerStatus) {
	m.now = now
	var handlers []Handle
	pings, known, any := 0, true, false
	for i := range list {
		s := &list[i]
		if s.Name == m.cfg.Self {
			continue
		}
		if s.Type == "ping" {
			any, known = true, known && s.Status != "init"
			if s.Status == "ping" {
				pings++
			}
		}
		m.ipfailSees(s)
		p := m.peer(s.Name)
		if s.Status != p.status {
			m.do(Handle{"status", []string{"t=status", "src=" + s.Name, "st=" + s.Status, "OSTATUS=" + p.status}})
			p.status = s.Status
		}
		for _, l := range s.Links {
			if was, seen := p.links[l.Name]; l.Up != was {
				st := "up"
				if !l.Up {
					st = "dead"
				}
				handlers = append(handlers, Handle{"ifstat", []string{"t=ifstat", "src=" + s.Name, "st=" + st, "node=" + s.Name, "ifname=" + l.Name}})
				_ = seen
			}
			p.links[l.Name] = l.Up
		}
	}
	for _, h := range handlers {
		m.do(h)
	}
	if !any || !known {
		pings = -1
	}
	if pings != m.pings {
		m.pings = pings
		m.announce(false)
		m.balance()
	}
}

// Tick lets time pass.
func (m *Machine) Tick(now time.Time) {
	m.now = now
	m.explainInitdead()
	m.standbyTimeout()
	m.ipfailTick()
}

// explainInitdead says why a node that is alone takes nothing over yet.
func (m *Machine) explainInitdead() {
	if m.toldWait || m.view.Quorum || m.now.Sub(m.begun) < min(m.cfg.Deadtime, m.cfg.Initdead/2) {
		return
	}
	m.toldWait = true
	var silent []string
	for _, name := range m.cfg.Nodes {
		if name != m.cfg.Self && !m.view.Has(name) {
			silent = append(silent, name)
		}
	}
	if len(silent) == 0 {
		return
	}
	end := m.begun.Add(m.cfg.Initdead)
	m.info("Nothing is heard of %s yet: resources are acquired when it is, or at %s, when initdead (%v in ha.cf) is over", join(silent), end.Format("15:04:05"), m.cfg.Initdead)
}

func join(names []string) string {
	out := ""
	for i, n := range names {
		switch {
		case i > 0 && i == len(names)-1:
			out += " and "
		case i > 0:
			out += ", "
		}
		out += n
	}
	return out
}

// NextTick is how long until Tick is wanted.
func (m *Machine) NextTick() time.Duration { return 200 * time.Millisecond }

// Leaving is told that this node was asked to stop.
func (m *Machine) Leaving(now time.Time) {
	m.now = now
	if m.leaving {
		return
	}
	m.leaving = true
	m.info("Heartbeat shutdown in progress.")
	m.info("Giving up all HA resources.")
	m.relinquished()
}

// relinquished tells the others that everything is given up.
func (m *Machine) relinquished() {
	if !m.leaving || m.gone || len(m.active)+len(m.moving) > 0 {
		return
	}
	m.gone = true
	m.info("All HA resources relinquished.")
	m.tell(message{Kind: msgShutdone, Pings: m.pings})
}

// Executing is told of an operation that is about to be executed here.
func (m *Machine) Executing(now time.Time, op *lrm.Op) {
	m.now = now
	l, _ := m.cfg.Plan.line(op.Resource)
	if l == nil {
		return
	}
	switch op.Name {
	case "start":
		m.acquiring(l)
	case "stop":
		if m.active[op.Resource] {
			m.releasing(l)
		}
	default:
		return
	}
	m.moving[op.Resource] = op.Name
	m.announce(false)
}

// Result takes what came of an operation here.
func (m *Machine) Result(now time.Time, r *lrm.Result) {
	m.now = now
	l, place := m.cfg.Plan.line(r.Op.Resource)
	if l == nil { // of a line that haresources does not have any more
		delete(m.moving, r.Op.Resource)
		if r.Op.Name == "stop" && r.Status == lrm.Done && r.RC == lrm.OK {
			delete(m.active, r.Op.Resource)
		}
		m.relinquished()
		return
	}
	delete(m.moving, r.Op.Resource)
	ok := r.Status == lrm.Done && r.RC == lrm.OK
	m.told(l, place, r)
	switch name := r.Op.Name; {
	case r.Refused:
	case r.RC == lrm.ErrInstalled && name != "stop":
		m.log(slog.LevelError, "ResourceManager", "Cannot locate resource script %s (neither resource.d nor init.d has it, and it is not built in)", l.Resources[place].Script)
	case name == "start" && ok:
		m.active[r.Op.Resource] = true
	case name == "start":
		m.startFailed(l, place, r)
	case name == "stop" && ok, name == "monitor" && r.Status == lrm.Done && r.RC == lrm.NotRunning:
		delete(m.active, r.Op.Resource)
	case name == "monitor" && ok:
		if !m.active[r.Op.Resource] && !m.probed[r.Op.Resource] && !m.cfg.Inherited {
			m.notIdle(l, place)
		}
		m.active[r.Op.Resource] = true
	}
	m.probed[r.Op.Resource] = true
	if !m.touched(l) {
		delete(m.losing, l.ID)
	}
	m.acquired()
	m.released()
	m.relinquished()
	m.announce(false)
}
