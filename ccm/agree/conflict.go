package agree

import (
	"bytes"
	"cmp"
)

// Ranker is an [App] whose state has a version: when both halves of a pair have
// changed it alone, the higher one is kept (bytes compare).
type Ranker interface{ Rank() []byte }

// Conflict is a state that lost against the one of the other half.
type Conflict struct {
	// Stamped is the last ballot that had it.
	Stamped Ballot
	// Edits is how many changes it has that the other one lacks.
	Edits uint64
	Snapshot
}

// bestOfAlone chooses between the states of halves that went on alone: one that
// has changed something before one that has not, then the higher rank, then the
// higher stamp. best has the highest stamp of all promisers.
func (m *Machine) bestOfAlone(best string) string {
	r := m.round
	if r.promises[best].Alone.IsZero() {
		return best
	}
	for _, x := range r.members {
		a, b := r.promises[best], r.promises[x.Name]
		if b.Alone.IsZero() || b.Stamped.IsZero() || b.Alone == a.Alone {
			continue
		}
		changed := func(p *Promise) int { return min(1, int(min(p.Edits, 1))) }
		if cmp.Or(cmp.Compare(changed(b), changed(a)), bytes.Compare(b.Rank, a.Rank), b.Stamped.Compare(a.Stamped)) > 0 {
			best = x.Name
		}
	}
	// The newest of that half.
	for _, x := range r.members {
		a, b := r.promises[best], r.promises[x.Name]
		if b.Alone == a.Alone && cmp.Or(b.Stamped.Compare(a.Stamped), cmp.Compare(b.Seq, a.Seq)) > 0 {
			best = x.Name
		}
	}
	return best
}

// keepConflict hands out this node's state before it is replaced by one that
// went another way since they were last together, if it has changes.
func (m *Machine) keepConflict(alone Ballot) {
	own := &m.rep.meta
	if own.Alone.IsZero() || own.Alone == alone || own.Edits == 0 || m.rep.diverged {
		return
	}
	m.out.Write.Conflict = &Conflict{Stamped: m.stamped, Edits: own.Edits, Snapshot: m.rep.snapshot()}
	m.note(true, "%d changes were made here while this node was alone (since view %v), and the other half has changed the configuration too: the other one is used, this node's is kept beside its store", own.Edits, own.Alone)
}
