package agree

import (
	"fmt"
	"slices"
	"strings"
)

// VoterChange adds one voter, removes it, or gives it another weight.
type VoterChange struct {
	Name   string
	Remove bool
	// Weight is its number of votes, at most [MaxWeight].
	Weight int
	// Arbiter is for a new voter only.
	Arbiter bool
}

// electing is a change of voters that waits for its turn (rule 23).
type electing struct {
	token  uint64
	id     string
	change VoterChange
}

// ChangeVoter changes the electorate (rule 23). The [ProposalEvent] comes when
// a quorum of the old and of the new voters has it on disk, which may take a
// takeover time: no node outside the view may still hold a lease. A change that
// has been made already is answered at once.
func (m *Machine) ChangeVoter(now int64, token uint64, requestID string, c VoterChange) {
	m.advance(now)
	m.electing = append(m.electing, electing{token, requestID, c})
	m.settle()
}

// elect works on the first change of the electorate that waits.
func (m *Machine) elect() {
	for len(m.electing) > 0 {
		e := m.electing[0]
		done := func(seq uint64, err error) {
			m.electing = m.electing[1:]
			if err != nil {
				err = fmt.Errorf("electorate: %w", err)
			}
			m.event(ProposalEvent{Token: e.token, Seq: seq, Err: err})
		}
		if err := m.mayPropose(); err != nil {
			done(0, err)
			continue
		}
		r := m.round
		if r.oldVoters != nil || r.commit != m.rep.seq || m.rep.meta.Prior != nil {
			return
		}
		next, err := m.nextVoters(e.change)
		if err != nil || next == nil {
			done(m.rep.seq, err)
			continue
		}
		if len(m.outside()) > 0 && !m.certified(r) {
			return
		}
		m.electing = m.electing[1:]
		m.proposeChange(e.token, Change{RequestID: e.id, Voters: next})
		return
	}
}

// nextVoters is V after a change, nil if it has been made already.
func (m *Machine) nextVoters(c VoterChange) (Voters, error) {
	v := m.rep.meta.Voters
	old, is := v[c.Name]
	next := v.clone()
	switch {
	case c.Name == "" || len(c.Name) > maxName:
		return nil, fmt.Errorf("node name %q must have 1 to %d bytes: %w", c.Name, maxName, ErrVoters)
	case c.Remove && !is:
		return nil, nil
	case c.Remove:
		if err := m.mayRemove(c.Name); err != nil {
			return nil, err
		}
		delete(next, c.Name)
		return next, next.check()
	case is && old.Arbiter != c.Arbiter:
		return nil, fmt.Errorf("%s votes already, and an arbiter does not become a node or a node an arbiter: remove it first: %w", c.Name, ErrVoters)
	case is && old.Weight == c.Weight:
		return nil, nil
	case !is && len(v) == maxNodes:
		return nil, fmt.Errorf("there are %d voters, no more are possible: %w", maxNodes, ErrVoters)
	}
	old.Weight, old.Arbiter = c.Weight, c.Arbiter
	next[c.Name] = old
	return next, next.check()
}

// autojoins reports whether a member without a vote is to get one by itself.
func (m *Machine) autojoins(name string) bool {
	v := m.rep.meta.Voters
	return m.cfg.Autojoin && !m.wasRemoved(name) && len(v) < maxNodes
}

// mayRemove: a node may be removed when it is dead and all the others are
// members, as ever.
func (m *Machine) mayRemove(name string) error {
	if hasMember(m.round.members, name) {
		return fmt.Errorf("%s is a member of the view; stop it before it is removed: %w", name, ErrVoters)
	}
	for _, n := range m.rep.meta.Voters.Names() {
		if n != name && !hasMember(m.round.members, n) {
			return fmt.Errorf("%s cannot be removed while %s is lost: all other nodes must be members: %w", name, n, ErrVoters)
		}
	}
	return nil
}

// settleVoters ends the joint rule of the former and the present voters, once
// nobody goes by the former ones alone: all members have the change, and no
// node outside can hold a lease.
func (m *Machine) settleVoters() {
	r := m.round
	if m.rep.meta.Prior == nil || !m.leads() || r.oldVoters != nil || r.commit != m.rep.seq || m.spoiled == m.joined {
		return
	}
	for _, x := range r.members {
		if r.acked[x.Name] < m.rep.seq {
			return
		}
	}
	if len(m.outside()) > 0 && !m.certified(r) {
		return
	}
	m.proposeChange(0, Change{Voters: m.rep.meta.Voters})
}

// has reports whether the nodes for which in is true make a quorum, of the
// present and of the former voters where a change is not settled.
func (m *Machine) has(in func(name string) bool) bool {
	return m.hasEach(func(Voters) func(string) bool { return in })
}

// hasEach is has, where in depends on the voters that are asked for.
func (m *Machine) hasEach(in func(v Voters) func(name string) bool) bool {
	v := m.voters()
	if !m.cfg.Quorum.Has(v, in(v)) {
		return false
	}
	prior := m.prior()
	return prior == nil || m.cfg.Quorum.Has(prior, in(prior))
}

// hasAny reports whether they make a quorum of the present or of the former
// voters: what others might take for one.
func (m *Machine) hasAny(in func(name string) bool) bool {
	prior := m.prior()
	return m.cfg.Quorum.Has(m.voters(), in) || prior != nil && m.cfg.Quorum.Has(prior, in)
}

// prior is V before the change that is not settled, or nil.
func (m *Machine) prior() Voters {
	if m.stamped.IsZero() {
		return nil
	}
	return m.rep.meta.Prior
}

// meets reports whether any two quorums have a voter in common.
func (m *Machine) meets() bool {
	prior := m.prior()
	return m.cfg.Quorum.Meets(m.voters()) && (prior == nil || m.cfg.Quorum.Meets(prior))
}

// sentence tells the votes and what they are worth.
func (m *Machine) sentence(in func(name string) bool) string {
	v, prior := m.voters(), m.prior()
	if prior != nil && m.cfg.Quorum.Has(v, in) && !m.cfg.Quorum.Has(prior, in) {
		return m.cfg.Quorum.Sentence(prior, in) + " of the former voters, which count until the change of voters is settled"
	}
	return m.cfg.Quorum.Sentence(v, in)
}

// check refuses electorates that make no sense.
func (v Voters) check() error {
	total := 0
	for _, n := range v.Names() {
		x := v[n]
		if x.Weight < 0 || x.Weight > MaxWeight {
			return fmt.Errorf("%d votes for %s: a node has 0 to %d: %w", x.Weight, n, MaxWeight, ErrVoters)
		}
		if !x.Arbiter {
			total += x.Weight
		}
	}
	if len(v) > 0 && total == 0 {
		return fmt.Errorf("no node has a vote: %w", ErrVoters)
	}
	return nil
}

// list identifies who votes, with weights and who is an arbiter, whatever the
// stores.
func (v Voters) list() uint64 {
	var words []string
	for _, n := range v.Names() {
		words = append(words, fmt.Sprintf("%s=%d,%v", n, v[n].Weight, v[n].Arbiter))
	}
	return SeedDigest(words)
}

// bothAgree: a pair whose tie twonodes breaks gets another voter, or other
// weights, only with both: either one alone would go on with the old list.
func (m *Machine) bothAgree(seq uint64) bool {
	r := m.round
	if r.oldVoters == nil || m.cfg.Quorum.Meets(r.oldVoters) || len(m.rep.meta.Voters) < len(r.oldVoters) {
		return true
	}
	for n, old := range r.oldVoters {
		if old.Disk != "" && old.Disk == m.rep.meta.Voters[n].Disk && r.acked[n] < seq {
			return false
		}
	}
	return true
}

// listed reports whether a node's own list of voters is one that was agreed on.
// Before there is a state none was.
func (m *Machine) listed(list uint64, free bool) bool {
	return free || m.stamped.IsZero() || slices.Contains(m.rep.meta.Lists, list)
}

// isArbiter reports whether a node votes and runs nothing.
func (m *Machine) isArbiter(name string) bool {
	if x, ok := m.rep.meta.Voters[name]; ok {
		return x.Arbiter
	}
	return slices.Contains(m.cfg.Arbiters, name)
}

// wasRemoved reports whether a node was taken out of the cluster.
func (m *Machine) wasRemoved(name string) bool {
	_, found := slices.BinarySearch(m.rep.meta.Removed, name)
	return found
}

// isRemoved reports whether this node was taken out of the cluster, by its own
// state or because somebody with a newer one has told it.
func (m *Machine) isRemoved() bool {
	return m.stamped.Less(m.removed) || m.wasRemoved(m.cfg.Self)
}

// refuse tells a removed node so, once a beat.
func (m *Machine) refuse(p *peer, in Input) {
	if _, ok := in.Msg.(*Beat); !ok || m.now < p.refused {
		return
	}
	p.refused = m.now + m.t.k/2
	p.inc = max(p.inc, in.Incarnation)
	m.datagram(p.name, &Refuse{Stamped: m.stamped})
	m.say("removed "+p.name, "%s beats, but it was removed from the cluster: it does not count and nothing is run there; hb_addnode %s takes it back", p.name, p.name)
}

// onRefuse believes who has a newer state.
func (m *Machine) onRefuse(p *peer, msg *Refuse) {
	if !m.stamped.Less(msg.Stamped) || !m.removed.Less(msg.Stamped) {
		return
	}
	if m.removed.IsZero() || !m.isRemoved() {
		m.note(true, "this node was removed from the cluster, as %s says by its state of view %v: it does not count; on a member, hb_addnode %s takes it back", p.name, msg.Stamped, m.cfg.Self)
	}
	if m.leads() {
		m.stepDown()
	}
	m.removed, m.targetOK = msg.Stamped, false
	m.spoiled = m.inst
	b := msg.Stamped
	m.out.Write.Removed = &b
}

// say is note, once for each subject until the sentence is another one.
func (m *Machine) say(subject, format string, args ...any) {
	s := fmt.Sprintf(format, args...)
	if m.said[subject] != s {
		m.said[subject] = s
		m.note(true, "%s", s)
	}
}

// number gives every known node its bit: its place among the sorted names.
func (m *Machine) number() {
	rows := map[*peer][]string{}
	for _, p := range m.order {
		rows[p] = m.list(p.row)
	}
	slices.Sort(m.names)
	m.bits, m.order, m.targetOK = map[string]uint64{}, m.order[:0], false
	for i, n := range m.names {
		m.bits[n] = 1 << i
		if p := m.peers[n]; p != nil {
			p.bit = 1 << i
			m.order = append(m.order, p)
		} else {
			m.self = 1 << i
		}
	}
	for p, row := range rows {
		p.row = m.mask(row)
	}
	m.seedDigest = SeedDigest(m.names)
}

// everyone is the set of all known nodes that were not removed.
func (m *Machine) everyone() uint64 {
	all := uint64(1)<<len(m.names) - 1
	for _, n := range m.rep.meta.Removed {
		all &^= m.bits[n]
	}
	return all
}

// learn makes a node known; false if there is no room for it.
func (m *Machine) learn(name string) bool {
	if m.bits[name] != 0 {
		return true
	}
	if name == "" || len(name) > maxName || len(m.names) == maxNodes {
		m.say("full", "%s is not admitted: there are %d nodes, no more are possible", name, maxNodes)
		return false
	}
	// It was given no echo in this life: what a promise says of it starts there.
	m.peers[name] = &peer{name: name, conf: m.start}
	m.names = append(m.names, name)
	m.number()
	m.event(KnownEvent{Name: name})
	return true
}

// learnVoters makes the voters of the state known, and forgets what those that
// were removed have said.
func (m *Machine) learnVoters() {
	for _, n := range m.rep.meta.Voters.Names() {
		m.learn(n)
	}
	for _, p := range m.order {
		if p.alive && m.wasRemoved(p.name) {
			m.dead(p, "removed from the cluster")
		}
	}
	m.targetOK, m.viewOld = false, true
	if !m.listed(m.ownList, m.cfg.Autojoin) {
		m.say("list of "+m.cfg.Self, "ha.cf of this node %s", m.foreignList())
	}
}

// Elector is a node as the electorate sees it.
type Elector struct {
	Name    string
	Votes   int // 0: none
	Arbiter bool
	// Counts: it has votes, its store is the recorded one, and its own list of
	// voters was agreed on. A node not heard counts if nothing is known against it.
	Counts bool
	// Why it does not count, a sentence, or "".
	Why string
}

// Electorate lists the voters, and the nodes heard that are none, sorted.
func (m *Machine) Electorate() []Elector {
	v := m.voters()
	var out []Elector
	for _, n := range m.names {
		x, votes := v[n]
		p := m.peers[n]
		e := Elector{Name: n, Votes: x.Weight, Arbiter: m.isArbiter(n)}
		heard := p == nil || p.alive
		disk, list, free := m.cfg.Disk, m.ownList, m.cfg.Autojoin
		if p != nil {
			disk, list, free = p.disk, p.list, p.free
		}
		switch {
		case m.wasRemoved(n) || p == nil && m.isRemoved():
			if p != nil && m.now >= p.refused+m.t.d {
				continue // it is not there
			}
			e.Why = fmt.Sprintf("%s beats, but it was removed from the cluster; hb_addnode %s takes it back", n, n)
		case !votes && !heard:
			continue
		case !votes:
			e.Why = fmt.Sprintf("%s is no voter: hb_addnode %s gives it a vote", n, n)
		case !heard || m.stamped.IsZero():
		case !m.listed(list, free):
			e.Why = fmt.Sprintf("ha.cf of %s %s", n, m.foreignList())
		case x.Disk != disk || p == nil && m.rep.diverged:
			e.Why = fmt.Sprintf("the store of %s is not the recorded one: it counts once it has the state and is admitted", n)
		}
		e.Counts = votes && e.Why == ""
		out = append(out, e)
	}
	return out
}

// Shun leaves a node out of this node's view of who is heard, for the duration
// in nanoseconds or until it restarts: it beats, and does not do its part.
func (m *Machine) Shun(now int64, name string, d int64) {
	m.advance(now)
	if p := m.peers[name]; p != nil && p.alive {
		p.shunned = m.now + d
		m.beatNow, m.targetOK = true, false
		m.wake(p.shunned)
		m.note(true, "%s is left out of the view for %d s, or until it restarts: it beats, but it does not answer", name, d/1e9)
	}
	m.settle()
}

// tie reports whether these voters have quorum only because a plug-in breaks
// their tie.
func (m *Machine) tie(in func(string) bool) bool {
	for _, v := range []Voters{m.voters(), m.prior()} {
		if have, total := v.Votes(in); total > 0 && 2*have <= total {
			return true
		}
	}
	return false
}

// vetoed reports whether a tie must not be broken: ping nodes are configured,
// and none has answered for half a deadtime. Ping only ever takes quorum away.
func (m *Machine) vetoed(in func(string) bool) bool {
	if !m.cfg.Ping || !m.tie(in) {
		return false
	}
	end := m.lastPong + m.t.d/2
	m.wake(end)
	return m.now >= end
}

// Pinged tells that a ping node answered at that time.
func (m *Machine) Pinged(now, at int64) {
	m.advance(now)
	m.lastPong = max(m.lastPong, min(at, m.now))
	m.settle()
}

// whyNotCounted says why this node's own vote, or a side with half the votes,
// does not count, or "".
func (m *Machine) whyNotCounted() string {
	row := m.row()
	in := func(n string) bool { return m.bits[n]&row != 0 }
	switch {
	case m.isRemoved():
		return fmt.Sprintf("no quorum: this node was removed from the cluster and does not count; hb_addnode %s on a member takes it back", m.cfg.Self)
	case !m.listed(m.ownList, m.cfg.Autojoin):
		return "no quorum: ha.cf of this node " + m.foreignList()
	case m.has(in) && m.vetoed(in):
		have, total := m.voters().Votes(in)
		return fmt.Sprintf("no quorum: %d of %d votes, and no ping node answers, so that the tie is not broken", have, total)
	}
	return ""
}

// foreignList completes a sentence on a node with another list.
func (m *Machine) foreignList() string {
	return fmt.Sprintf("names other nodes, weights or arbiters than the cluster has agreed on (%s): it does not count; make its node lines name these, or change the cluster first with hb_addnode or hb_delnode, and restart it",
		m.rep.meta.Voters.Sentence())
}

// Sentence lists the voters: names, with weights where they are not the
// default.
func (v Voters) Sentence() string {
	var words []string
	for _, n := range v.Names() {
		w := n
		if v[n].Arbiter {
			w += " (arbiter)"
		}
		if v[n].Weight != DefaultWeight {
			w += fmt.Sprintf(" (%d votes)", v[n].Weight)
		}
		words = append(words, w)
	}
	return strings.Join(words, ", ")
}
