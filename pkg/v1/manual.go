package v1

import (
	"fmt"

	"github.com/quorate/quorate/pkg/hacf"
)

// heldElsewhere is told that another node holds a line: where takeover is manual
// this node may not take it by itself any more, but for what prefers it and is
// to come back.
func (m *Machine) heldElsewhere(id string) {
	delete(m.orphans, id)
	if !m.cfg.Plan.Manual {
		return
	}
	l := m.byID(id)
	if l == nil || l.Node == m.cfg.Self && m.cfg.Plan.Failback != hacf.FailbackOff && !m.stood[id] || m.touched(l) {
		return
	}
	m.unset(TakeAttribute(id))
}

// lookForOrphans raises the alarm for lines whose node is gone, where takeover is
// manual.
func (m *Machine) lookForOrphans() {
	if !m.cfg.Plan.Manual || !m.view.Quorum || m.leaving {
		return
	}
	for i := range m.cfg.Plan.Lines {
		l := &m.cfg.Plan.Lines[i]
		owner := m.owner(l)
		if owner == m.cfg.Self || m.view.Has(owner) || m.touched(l) || m.elsewhere(l.ID) {
			delete(m.orphans, l.ID)
			continue
		}
		if !m.orphans[l.ID] {
			m.orphans[l.ID] = true
			m.log(LevelCritical, "heartbeat", "%s", m.orphanSentence(l, owner))
		}
	}
}

// owner is who held a line last, or is to hold it.
func (m *Machine) owner(l *Line) string {
	if h := m.holder[l.ID]; h != "" {
		return h
	}
	return l.Node
}

func (m *Machine) orphanSentence(l *Line, owner string) string {
	return fmt.Sprintf("ALARM: node %s is gone and takeover is manual: resource group %s runs nowhere. Make sure that %s is down, then run hb_takeover on %s", owner, l.Key(), owner, m.cfg.Self)
}

func (m *Machine) orphanSentences() (out []string) {
	for i := range m.cfg.Plan.Lines {
		if l := &m.cfg.Plan.Lines[i]; m.orphans[l.ID] {
			out = append(out, m.orphanSentence(l, m.owner(l)))
		}
	}
	return out
}
