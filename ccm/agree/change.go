package agree

import (
	"fmt"
	"slices"
	"strings"
)

// tailBatch is how many changes one message repeats.
const tailBatch = 64

// pendingProposal is a caller that waits for its change to be committed.
type pendingProposal struct{ token, seq uint64 }

// Propose replicates one change; a [ProposalEvent] with the token answers once
// a quorum of disks has it. A request id that was answered before is answered
// the same way again; "" is never remembered.
func (m *Machine) Propose(now int64, token uint64, requestID string, data []byte) {
	m.advance(now)
	m.proposeChange(token, Change{RequestID: requestID, Data: data})
	m.settle()
}

// ProposeVoters replaces V (rule 23). At most one change of V is under way; all
// before it must be committed, and no node outside the view may still hold a
// lease: certified tells that a certificate was obtained just now, or there is
// no such node.
func (m *Machine) ProposeVoters(now int64, token uint64, requestID string, v Voters, certified bool) {
	m.advance(now)
	if m.leads() && !certified && len(m.outside()) > 0 {
		m.event(ProposalEvent{Token: token, Err: fmt.Errorf("voters cannot change while %v may still hold a lease: %w", m.outside(), ErrLease)})
	} else {
		m.proposeChange(token, Change{RequestID: requestID, Voters: v.clone()})
	}
	m.settle()
}

// mayPropose is nil or the reason why changes belong elsewhere.
func (m *Machine) mayPropose() error {
	switch {
	case m.leads() && m.spoiled != m.joined:
		return nil
	case m.view.Quorum:
		return fmt.Errorf("the DC is %s: %w", m.view.DC, ErrNotDC)
	case m.view.Reason == "":
		return ErrNoQuorum
	}
	return fmt.Errorf("%s: %w", strings.TrimPrefix(m.view.Reason, "no quorum: "), ErrNoQuorum)
}

func (m *Machine) proposeChange(token uint64, c Change) {
	answer := func(seq uint64, err error) { m.event(ProposalEvent{Token: token, Seq: seq, Err: err}) }
	if err := m.mayPropose(); err != nil {
		answer(0, err)
		return
	}
	r := m.round
	if len(c.RequestID) > maxName {
		answer(0, fmt.Errorf("request id of %d bytes, at most %d are possible: %w", len(c.RequestID), maxName, ErrConfig))
		return
	}
	if seq, ok := m.rep.meta.answered(c.RequestID); ok && c.RequestID != "" {
		if seq <= r.commit {
			answer(seq, nil)
		} else {
			r.pending = append(r.pending, pendingProposal{token, seq})
		}
		return
	}
	old := m.rep.meta.Voters
	if c.Voters != nil {
		if r.oldVoters != nil || r.commit != m.rep.seq {
			answer(0, fmt.Errorf("voters change one at a time, after all earlier changes are committed: %w", ErrUnknown))
			return
		}
		in := func(n string) bool { return m.counts(n, c.Voters) }
		if !m.cfg.Quorum.Has(c.Voters, in) {
			answer(0, fmt.Errorf("the new voters would leave %s: %w", m.cfg.Quorum.Sentence(c.Voters, in), ErrNoQuorum))
			return
		}
	}
	c.Seq = m.rep.seq + 1
	if err := m.rep.apply(&c); err != nil {
		answer(0, err)
		return
	}
	if c.Voters != nil {
		r.oldVoters, m.targetOK = old, false
		r.joint = r.joint && old.list() == c.Voters.list()
		m.learnVoters()
	}
	c.Digest = m.rep.digest()
	m.out.Write.Changes = append(m.out.Write.Changes, c)
	m.ackOwn(c.Seq)
	if len(r.tail) == 0 {
		r.gotOn = m.now
		m.resendIn(m.t.k)
	}
	// A large change is long on its way and long in the making.
	r.resendEvery = max(r.resendEvery, m.t.k+int64(len(c.Data))*200)
	r.resendAt = max(r.resendAt, m.now+r.resendEvery)
	r.tail = append(r.tail, c)
	r.pending = append(r.pending, pendingProposal{token, c.Seq})
	for _, x := range r.members {
		if x.Name != m.cfg.Self {
			m.sendChanges(x.Name, []Change{c})
		}
	}
}

// ackOwn confirms this node's own copy to itself, as a member does: the message
// comes back when the write is durable. One stands for all changes of a write.
func (m *Machine) ackOwn(seq uint64) {
	for _, e := range m.out.Messages {
		if ack, ok := e.Msg.(*Ack); ok && e.To == m.cfg.Self && ack.Ballot == m.round.ballot {
			ack.Seq = seq
			return
		}
	}
	m.send(m.cfg.Self, &Ack{Ballot: m.round.ballot, Seq: seq})
}

// sendChanges sends changes to a member while they are on the way to the disk
// here. Those to the same member since the last call of Early go together.
func (m *Machine) sendChanges(to string, list []Change) {
	for i, e := range m.early.Messages {
		if c, ok := e.Msg.(*Changes); ok && e.To == to && c.Ballot == m.round.ballot && len(c.List) < tailBatch && c.List[len(c.List)-1].Seq+1 == list[0].Seq {
			m.early.Messages[i].Msg = &Changes{Ballot: c.Ballot, List: append(c.List, list...)}
			return
		}
	}
	m.early.Messages = append(m.early.Messages, Envelope{To: to, Msg: &Changes{Ballot: m.round.ballot, List: list}})
}

// counts reports whether a member's disk is the one recorded in v, as its
// promise said.
func (m *Machine) counts(name string, v Voters) bool {
	return m.promiseCounts(m.round.promises[name], v[name], m.rep.meta.Lists)
}

// promiseCounts reports whether a promise is from the recorded store, by a node
// whose list of voters was agreed on.
func (m *Machine) promiseCounts(p *Promise, v Voter, lists []uint64) bool {
	return p != nil && p.Disk != "" && (p.Disk == v.Disk || m.planted(PlantDiskVote)) && (p.Free || slices.Contains(lists, p.Seed))
}

// tryCommit looks how far a quorum of disks is (rule 22).
func (m *Machine) tryCommit() {
	r := m.round
	levels := make([]uint64, 0, len(r.acked))
	for _, s := range r.acked {
		if s > r.commit {
			levels = append(levels, s)
		}
	}
	slices.Sort(levels)
	for _, s := range slices.Backward(slices.Compact(levels)) {
		has := func(v Voters) bool {
			in := func(n string) bool { return r.acked[n] >= s && m.counts(n, v) }
			if m.planted(PlantVoteTwice) {
				have, total := v.Votes(in)
				return 2*(have+v[m.cfg.Self].Weight) > total
			}
			return m.cfg.Quorum.Has(v, in)
		}
		prior := m.rep.meta.Prior
		if !has(m.rep.meta.Voters) || r.oldVoters != nil && !has(r.oldVoters) || prior != nil && !has(prior) || !m.bothAgree(s) {
			continue
		}
		r.commit, r.oldVoters = s, nil
		m.early.Events = append(m.early.Events, CommittedEvent{Ballot: r.ballot, Seq: s})
		r.pending = slices.DeleteFunc(r.pending, func(p pendingProposal) bool {
			if p.seq > s {
				return false
			}
			m.early.Events = append(m.early.Events, ProposalEvent{Token: p.token, Seq: p.seq})
			return true
		})
		break
	}
	all := m.rep.seq
	for _, s := range r.acked {
		all = min(all, s)
	}
	if n := len(r.tail); n > 0 && r.tail[0].Seq <= all {
		r.gotOn = m.now
		r.tail = slices.DeleteFunc(r.tail, func(c Change) bool { return c.Seq <= all })
	}
}

func (m *Machine) failPending(err error) {
	for _, p := range m.round.pending {
		m.event(ProposalEvent{Token: p.token, Err: fmt.Errorf("change %d: the view %v was lost: %w", p.seq, m.round.ballot, err)})
	}
	m.round.pending = nil
}

func (m *Machine) onChanges(p *peer, msg *Changes) {
	b := msg.Ballot
	bound := m.same(m.joined, b) && m.same(m.promised, b) && m.same(m.stamped, b)
	if m.planted(PlantNoBind) {
		bound = m.stamped == b
	}
	if !bound || b.Proposer != p.name { // rule 21
		return
	}
	if m.rep.diverged {
		m.send(p.name, &Tail{Ballot: b, From: m.rep.seq, Whole: true}) // the answer was lost
		return
	}
	for i := range msg.List {
		c := &msg.List[i]
		if c.Seq <= m.rep.seq {
			continue
		}
		if c.Seq > m.rep.seq+1 {
			m.send(p.name, &Tail{Ballot: b, From: m.rep.seq + 1})
			break
		}
		err := m.rep.apply(c)
		if err == nil && c.Voters != nil {
			m.targetOK = false
			m.learnVoters()
		}
		if err == nil && slices.Equal(m.rep.digest(), c.Digest) {
			m.out.Write.Changes = append(m.out.Write.Changes, *c)
			continue
		}
		if err == nil {
			err = fmt.Errorf("it gives another digest here")
		}
		m.note(true, "change %d of %s: %v; taking over the DC's whole state", c.Seq, p.name, err)
		m.rep.diverged = true
		m.send(p.name, &Tail{Ballot: b, From: c.Seq, Whole: true})
		return
	}
	m.send(p.name, &Ack{Ballot: b, Seq: m.rep.seq})
}

func (m *Machine) onAck(from string, msg *Ack) {
	r := m.round
	if r == nil || !r.open || r.ballot != msg.Ballot || msg.Seq > m.rep.seq || !hasMember(r.members, from) {
		return
	}
	if m.joined != r.ballot && !m.planted(PlantNoBind) {
		return
	}
	if msg.Seq > r.acked[from] {
		r.acked[from] = msg.Seq
		m.tryCommit()
	}
}

func (m *Machine) onTail(p *peer, msg *Tail) {
	if !m.leads() || m.round.ballot != msg.Ballot || !hasMember(m.round.members, p.name) {
		return
	}
	if msg.Whole {
		m.send(p.name, &State{Ballot: m.joined, Stamped: m.stamped, Snapshot: m.rep.snapshot()})
		return
	}
	m.sendTail(p.name, msg.From)
}

// sendTail repeats changes from a number on; those acknowledged by all are not
// kept, nobody asks for them.
func (m *Machine) sendTail(to string, from uint64) {
	tail := m.round.tail
	if len(tail) == 0 || from > m.rep.seq || from < tail[0].Seq {
		return
	}
	tail = tail[from-tail[0].Seq:]
	m.early.Messages = append(m.early.Messages, Envelope{To: to, Msg: &Changes{Ballot: m.round.ballot, List: slices.Clone(tail[:min(len(tail), tailBatch)])}})
}

// takeWhole takes over the DC's whole state in place of one that differs.
func (m *Machine) takeWhole(p *peer, msg *State) {
	b := msg.Ballot
	if !m.rep.diverged || m.joined != b || m.promised != b || m.stamped != b || msg.Stamped != b || b.Proposer != p.name || msg.Snapshot.Seq < m.rep.seq {
		return
	}
	if err := m.rep.restore(&msg.Snapshot); err != nil {
		m.note(true, "the DC's state cannot be taken over: %v", err)
		return
	}
	m.learnVoters()
	m.persistWhole()
	m.send(p.name, &Ack{Ballot: b, Seq: m.rep.seq})
}

// readmit records the disk of a member whose store was replaced or never seen,
// or that autojoin lets in (rule 23), without its own vote: the change needs
// the old quorum too.
func (m *Machine) readmit() {
	r := m.round
	if !m.leads() || r.oldVoters != nil || r.commit != m.rep.seq || m.spoiled == m.joined {
		return
	}
	v := m.rep.meta.Voters
	for _, x := range r.members {
		old, ok := v[x.Name]
		p := r.promises[x.Name]
		if !ok && !m.autojoins(x.Name) || p.Disk == "" || p.Disk == old.Disk || r.acked[x.Name] < m.rep.seq {
			continue
		}
		if len(m.outside()) > 0 && !m.certified(r) {
			return
		}
		next := v.clone()
		if ok {
			m.note(false, "admitting the store %s of %s (recorded was %q)", p.Disk, x.Name, old.Disk)
		} else {
			m.note(false, "admitting %s, which autojoin lets in, with the store %s", x.Name, p.Disk)
			old.Weight = DefaultWeight
		}
		old.Disk = p.Disk
		next[x.Name] = old
		m.proposeChange(0, Change{Voters: next})
		return
	}
}
