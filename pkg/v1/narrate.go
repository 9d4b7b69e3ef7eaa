package v1

import (
	"log/slog"
	"strings"

	"github.com/quorate/quorate/lrm"
	"github.com/quorate/quorate/pkg/hacf"
)

// acquiring says that a line is taken, at its first resource.
func (m *Machine) acquiring(l *Line) {
	delete(m.losing, l.ID)
	if m.touched(l) || m.gained[l.ID] != "" {
		return
	}
	m.unset(StandbyAttribute(l.ID)) // it is this node's again
	delete(m.stood, l.ID)
	from := m.owner(l)
	p := m.peers[from]
	scope := m.taking[l.ID]
	switch {
	case p != nil && !m.view.Has(from):
		m.gained[l.ID] = from
		if !p.acquired {
			p.acquired = true
			m.info("Resources being acquired from %s.", from)
		}
		m.log(slog.LevelInfo, "mach_down", "Taking over resource group %s", l.Key())
	case p != nil && m.holder[l.ID] != "":
		m.gained[l.ID] = m.cfg.Self
		if scope == "" {
			scope = m.class(l)
		}
		if m.relieved == "" {
			m.relieved = scope
			m.info("acquire %s HA resources (standby).", scope)
		}
	default:
		m.gained[l.ID] = m.cfg.Self
	}
	m.log(slog.LevelInfo, "ResourceManager", "Acquiring resource group: %s", l.Text())
}

// class is local for a line that prefers this node, else foreign.
func (m *Machine) class(l *Line) string {
	if l.Node == m.cfg.Self {
		return "local"
	}
	return "foreign"
}

// acquired says what is complete when nothing is being taken any more.
func (m *Machine) acquired() {
	if len(m.gained) == 0 || m.any("start") {
		return
	}
	from := map[string]bool{}
	for id, node := range m.gained {
		l := m.byID(id)
		if l != nil && !m.holds(l) {
			if !m.touched(l) { // its start has failed
				delete(m.gained, id)
				delete(m.taking, id)
				continue
			}
			return // the next resource of the line follows
		}
		from[node] = true
	}
	for id := range m.gained {
		m.holder[id] = m.cfg.Self
		delete(m.orphans, id)
		delete(m.taking, id)
	}
	clear(m.gained)
	for _, name := range m.names() {
		if from[name] {
			m.log(slog.LevelInfo, "mach_down", "mach_down takeover complete for node %s.", name)
		}
	}
	if m.relieved != "" {
		m.info("%s HA resource acquisition completed (standby).", m.relieved)
		m.info("Standby resource acquisition done [%s].", opposite(m.relieved))
		m.relieved = ""
	}
	if m.initial && len(from) > 0 {
		m.initial = false
		why := "auto_failback"
		if len(m.members()) == 0 {
			why = "initdead"
		}
		m.info("Initial resource acquisition complete (%s)", why)
	}
	m.info("Local Resource acquisition completed.")
}

func (m *Machine) any(what string) bool {
	for _, op := range m.moving {
		if op == what {
			return true
		}
	}
	return false
}

func (m *Machine) byID(id string) *Line {
	for i := range m.cfg.Plan.Lines {
		if m.cfg.Plan.Lines[i].ID == id {
			return &m.cfg.Plan.Lines[i]
		}
	}
	return nil
}

// releasing says that a line is given up, at its first resource that stops.
func (m *Machine) releasing(l *Line) {
	if m.losing[l.ID] {
		return
	}
	m.losing[l.ID] = true
	p := m.peers[l.Node]
	if m.standby == nil && !m.leaving && p != nil && m.view.Has(l.Node) && m.cfg.Plan.Failback != hacf.FailbackOff {
		m.failback(p)
	}
	m.log(slog.LevelInfo, "ResourceManager", "Releasing resource group: %s", l.Text())
}

// transitionCompleted says that another node has settled, once a life.
func (m *Machine) transitionCompleted(p *peer) {
	if !p.completed {
		p.completed = true
		m.info("remote resource transition completed.")
	}
}

// failback says that the lines of a node that is back go there.
func (m *Machine) failback(p *peer) {
	if p.failback {
		return
	}
	m.transitionCompleted(p)
	p.failback = true
	lines := map[string]bool{}
	for i := range m.cfg.Plan.Lines {
		if l := &m.cfg.Plan.Lines[i]; l.Node == p.name && m.touched(l) {
			lines[l.ID] = true
		}
	}
	m.info("%s wants to go standby [foreign]", m.cfg.Self)
	m.standby = &standby{scope: "foreign", lines: lines, begun: m.now}
	m.granted(p.name)
}

// startFailed says that a script did not start.
func (m *Machine) startFailed(l *Line, place int, r *lrm.Result) {
	file := m.command(l, place)
	m.log(slog.LevelError, "ResourceManager", "Return code %d from %s", r.RC, file)
	m.log(LevelCritical, "ResourceManager", "Giving up resources due to failure of %s", l.Resources[place].Text)
}

// told passes on what a script printed.
func (m *Machine) told(l *Line, place int, r *lrm.Result) {
	if r.Op.Name != "start" && r.Op.Name != "stop" {
		return
	}
	for line := range strings.Lines(r.Output) {
		if line = strings.TrimSpace(line); line != "" {
			m.log(slog.LevelDebug, "ResourceManager", "%s: %s", m.cfg.Script(l.Resources[place].Script), line)
		}
	}
}

// notIdle warns of a resource that ran before the cluster had started it.
func (m *Machine) notIdle(l *Line, place int) {
	m.log(LevelCritical, "ResourceManager", "Resource %s is active, and should not be!", l.Resources[place].Text)
	m.log(slog.LevelWarn, "ResourceManager", "%s was active before this daemon started it: what haresources names must not be started at boot (systemctl disable, or chkconfig off)", m.command(l, place))
}

// command is the script of a resource with its arguments.
func (m *Machine) command(l *Line, place int) string {
	words := l.Resources[place].Command()
	words[0] = m.cfg.Script(words[0])
	return strings.Join(words, " ")
}

// Running is the line that is written when a script is called, "" for an
// operation that has none.
func (p *Plan) Running(op *lrm.Op, script func(name string) string) string {
	l, place := p.line(op.Resource)
	if l == nil || op.Name != "start" && op.Name != "stop" {
		return ""
	}
	words := l.Resources[place].Command()
	words[0] = script(words[0])
	return "Running " + strings.Join(append(words, op.Name), " ")
}
