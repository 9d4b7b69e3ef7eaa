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
		next, err := m.nextVoters(e.change)
		if err != nil {
			done(m.rep.seq, err)
			continue
		}
		r := m.round
		if r.oldVoters != nil || r.commit != m.rep.seq || m.rep.meta.Prior != nil {
			return
		}
		if next == nil {
			done(m.rep.seq, nil)
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

// isArbiter reports whether a node votes and runs nothing.
func (m *Machine) isArbiter(name string) bool {
	if x, ok := m.rep.meta.Voters[name]; ok {
		return x.Arbiter
	}
	return slices.Contains(m.cfg.Arbiters, name)
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
