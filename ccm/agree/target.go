package agree

import (
	"cmp"
	"math/bits"
	"slices"
)

// exactTarget is up to how many candidates every set is tried.
const exactTarget = 12

// voters is V as this node knows it: of its state, or else of its ha.cf.
func (m *Machine) voters() Voters {
	if !m.stamped.IsZero() {
		return m.rep.meta.Voters
	}
	return m.seedVoters()
}

func (m *Machine) seedVoters() Voters {
	v := Voters{}
	for _, n := range m.cfg.Nodes {
		w := DefaultWeight
		if x, ok := m.cfg.Weights[n]; ok {
			w = x
		}
		v[n] = Voter{Weight: w, Arbiter: slices.Contains(m.cfg.Arbiters, n)}
	}
	return v
}

// diskKnown reports whether the node's store is the recorded one (rule 3), as
// its beats say. Before there is any state, every store is.
func (m *Machine) diskKnown(v Voters, name string) bool {
	if m.stamped.IsZero() {
		return true
	}
	if name == m.cfg.Self {
		return (v[name].Disk == m.cfg.Disk || m.planted(PlantDiskVote)) && !m.rep.diverged && m.listed(m.ownList, m.cfg.Autojoin)
	}
	p := m.peers[name]
	return p != nil && (v[name].Disk == p.disk || m.planted(PlantDiskVote)) && m.listed(p.list, p.free)
}

// target is the set of nodes this node wants a view of (rule 14). It is worked
// out anew when rows, stamps or disks have changed, or a node is not left out any
// more.
func (m *Machine) target() uint64 {
	if !m.targetOK || m.now >= m.targetUntil {
		m.targetSet, m.targetOK, m.targetUntil = m.findTarget(), true, m.now+Never
		for _, p := range m.order {
			if p.shunned > m.now {
				m.targetUntil = min(m.targetUntil, p.shunned)
			}
		}
	}
	return m.targetSet
}

func (m *Machine) findTarget() uint64 {
	n := len(m.names)
	rows := make([]uint64, n)
	mutual := make([]uint64, n)
	my := m.row()
	for i, name := range m.names {
		if p := m.peers[name]; p == nil {
			rows[i] = my
		} else if p.alive {
			rows[i] = p.row
		}
	}
	for i := range n {
		for j := range n {
			if i == j || rows[i]>>j&1 == 1 && rows[j]>>i&1 == 1 {
				mutual[i] |= 1 << j
			}
		}
	}
	cand := mutual[bits.TrailingZeros64(m.self)]
	full := func(set uint64) bool {
		for x := set; x != 0; x &= x - 1 {
			if set&^mutual[bits.TrailingZeros64(x)] != 0 {
				return false
			}
		}
		return true
	}
	if full(cand) {
		return cand
	}
	if bits.OnesCount64(cand) > exactTarget {
		return m.thin(cand, mutual)
	}
	// Every subset of cand that holds this node.
	best := m.self
	others := cand &^ m.self
	for sub := others; sub != 0; sub = (sub - 1) & others {
		if set := sub | m.self; full(set) && m.better(set, best) {
			best = set
		}
	}
	return best
}

// thin drops the worst connected candidate until the rest hear one another.
func (m *Machine) thin(cand uint64, mutual []uint64) uint64 {
	v := m.voters()
	dc := m.bits[m.lastDC(cand)]
	for {
		worst, least := -1, 0
		for i, name := range m.names {
			b := uint64(1) << i
			if cand&b == 0 || b == m.self || cand&^mutual[i] == 0 {
				continue
			}
			// Connections first, then being the DC, then votes, then the name.
			deg := bits.OnesCount64(cand&mutual[i])*4_000_000 + v[name].Weight
			if b == dc {
				deg += 2_000_000
			}
			if worst < 0 || deg <= least {
				worst, least = i, deg
			}
		}
		if worst < 0 {
			return cand
		}
		cand &^= 1 << worst
	}
}

// better compares two fully connected sets: more votes, more members, holding
// the DC, then the names.
func (m *Machine) better(a, b uint64) bool {
	v := m.voters()
	dc := m.bits[m.lastDC(a|b)]
	rank := func(set uint64) [3]int {
		votes, _ := v.Votes(func(n string) bool { return m.bits[n]&set != 0 && m.diskKnown(v, n) })
		has := 0
		if set&dc != 0 {
			has = 1
		}
		return [3]int{votes, bits.OnesCount64(set), has}
	}
	ra, rb := rank(a), rank(b)
	if c := slices.Compare(ra[:], rb[:]); c != 0 {
		return c > 0
	}
	return a < b
}

// lastDC is the proposer of the newest stamp among the nodes of the set.
func (m *Machine) lastDC(set uint64) string {
	newest := m.stampedHere()
	for _, p := range m.order {
		if p.bit&set != 0 && p.alive && newest.Less(p.stamped) {
			newest = p.stamped
		}
	}
	return newest.Proposer
}

// quorate reports whether a target may become a view, as far as this node can
// tell; the state of the newest promiser decides in the end (rule 18).
func (m *Machine) quorate(set uint64) bool {
	v := m.voters()
	in := func(n string) bool { return m.bits[n]&set != 0 && m.diskKnown(v, n) }
	counts := func(v Voters) func(string) bool {
		return func(n string) bool { return m.bits[n]&set != 0 && m.diskKnown(v, n) }
	}
	if !m.hasEach(counts) || m.isRemoved() || m.vetoed(in) {
		return false
	}
	if blank := m.stampedHere().IsZero(); blank && m.hearsOther(set) {
		return false
	}
	waited := m.now >= m.start+m.t.initdead
	all, seen, blank := true, true, m.stampedHere().IsZero()
	for _, p := range m.order {
		if p.bit&set == 0 {
			all = false
			seen = seen && p.ever
		} else if !p.stamped.IsZero() {
			blank = false
		}
	}
	if waited || all {
		return all || !blank || m.tie(in) || !m.single(set)
	}
	m.wake(m.start + m.t.initdead)
	if blank {
		return false // the first state is seeded by all, or after initdead
	}
	return !m.tie(in) || seen // a tie is not broken before the others had their time
}

// single reports whether only one node of the set is in this node's ha.cf. A quorum
// of one, by its weight, makes no first state while others are listed: it may be
// a node that lost its disk, and the others may have agreed on other weights long
// ago (rule 18).
func (m *Machine) single(set uint64) bool {
	n := 0
	for name := range m.seedVoters() {
		if m.bits[name]&set != 0 {
			n++
		}
	}
	return n == 1
}

// hearsOther reports whether the nodes of the set, none of which has a state, hear
// somebody outside it who has one, or who lists other voters: then they are not
// the ones to make the first state of a cluster.
func (m *Machine) hearsOther(set uint64) bool {
	other := false
	for _, p := range m.order {
		if p.bit&set != 0 && !p.stamped.IsZero() {
			return false
		}
		if p.bit&set == 0 && p.alive && (!p.stamped.IsZero() || p.list != m.ownList && !p.free) {
			other = true
		}
	}
	return other
}

// members turns a set into lives.
func (m *Machine) members(set uint64) []Member {
	var ms []Member
	for i, n := range m.names {
		if set>>i&1 == 0 {
			continue
		}
		if p := m.peers[n]; p != nil {
			ms = append(ms, Member{n, p.inc})
		} else {
			ms = append(ms, m.me())
		}
	}
	return ms
}

// rank is this node's place among the members as a proposer: fit to be the DC,
// highest stamp, then the DC, the one that joined first, the name (rule 14).
func (m *Machine) rank(ms []Member) int {
	set := uint64(0)
	for _, x := range ms {
		set |= m.bits[x.Name]
	}
	dc := m.lastDC(set)
	type key struct {
		unfit   int // 2: an arbiter
		stamped Ballot
		other   int
		born    uint64
		name    string
	}
	keys := make([]key, 0, len(ms))
	for _, x := range ms {
		k := key{name: x.Name, born: ^uint64(0)}
		if p := m.peers[x.Name]; p != nil {
			k.stamped = p.stamped
		} else {
			k.stamped = m.stampedHere()
		}
		if m.isArbiter(x.Name) {
			k.unfit = 2
		} else if m.isUnfit(x.Name) {
			k.unfit = 1
		}
		if x.Name != dc {
			k.other = 1
		}
		if b, ok := m.rep.meta.Born[x.Name]; ok && b.Incarnation == x.Incarnation {
			k.born = b.Number
		}
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b key) int {
		return cmp.Or(cmp.Compare(a.unfit, b.unfit), b.stamped.Compare(a.stamped), cmp.Compare(a.other, b.other), cmp.Compare(a.born, b.born), cmp.Compare(a.name, b.name))
	})
	return slices.IndexFunc(keys, func(k key) bool { return k.name == m.cfg.Self })
}

// isUnfit reports whether a node cannot be the DC, or has said so.
func (m *Machine) isUnfit(name string) bool {
	if m.isArbiter(name) {
		return true
	}
	if p := m.peers[name]; p != nil {
		return p.unfit
	}
	return m.unfit
}
