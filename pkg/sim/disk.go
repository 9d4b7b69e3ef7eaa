package sim

import (
	"slices"
	"time"

	"github.com/quorate/quorate/ccm/agree"
)

// disk is the store of one node: what was written in a transaction that ended.
type disk struct {
	n  *node
	id string
	st agree.Stored
	// life is the last incarnation handed out.
	life uint64
	// full: writes wait for room. slow: they take up to that long. torn: the power goes
	// off within the next one.
	full bool
	slow int64
	torn int // in so many writes from now, 0: never
	// changes counts those kept beside the snapshot.
	changes int
}

// compactChanges is after how many changes the state is written whole, as
// package ccm does.
const compactChanges = 512

// latency draws how long a write takes.
func (d *disk) latency() int64 {
	if d.slow > 0 {
		return d.n.r.below(d.slow)
	}
	if d.n.s.sc.Steady {
		return int64(2 * time.Millisecond)
	}
	return d.n.r.between(int64(time.Millisecond), int64(4*time.Millisecond))
}

// nextLife is the number of a new life of the daemon: from the disk, and from the
// calendar where that is lost. The others do not believe a life below one they
// have heard, and say so; here the administrator sets the clock as they ask.
func (d *disk) nextLife() uint64 {
	n := d.n
	wall := func() uint64 { return uint64(max(1, n.clk.wall(n.s.now).UnixMicro())) }
	if max(d.life+1, wall()) <= n.newest {
		n.clk.jump += time.Duration(n.newest-wall()+1_000_000) * time.Microsecond
		n.s.tell(n, "its clock is set to %s, for its disk does not know its newest life and its clock has gone back", n.clk.wall(n.s.now).Format(time.DateTime))
	}
	d.life = max(d.life+1, wall())
	n.newest = max(n.newest, d.life)
	return d.life
}

// write makes a write durable, all of it.
func (d *disk) write(w *agree.Write) {
	s := d.n.s
	if p := w.Promise; p != nil && !s.opts.Plant.Has(PlantForgetPromise) {
		if p.Ballot.Less(d.st.Promised) {
			s.fail("I3", "the promise of %s falls from %v to %v", d.n.name, d.st.Promised, p.Ballot)
		}
		d.st.Promised, d.st.PromisedMembers = p.Ballot, p.Members
	}
	if w.Stamp != nil {
		if w.Stamp.Less(d.st.Stamped) || d.st.Promised.Less(*w.Stamp) && !s.opts.Plant.Has(PlantForgetPromise) {
			s.fail("I3", "the stamp of %s goes from %v to %v, its promise is %v", d.n.name, d.st.Stamped, *w.Stamp, d.st.Promised)
		}
		d.st.Stamped = *w.Stamp
	}
	if w.Snapshot != nil {
		d.st.Snapshot, d.st.Changes, d.st.Meta, d.changes = d.snapshot(*w.Snapshot), nil, nil, 0
	}
	if w.Meta != nil {
		m := *w.Meta
		if s.opts.Verify {
			var err error
			if m, err = agree.DecodeMeta(agree.EncodeMeta(&m)); err != nil {
				s.fail("codec", "voters stored by %s: %v", d.n.name, err)
			}
		}
		d.st.Meta = &m
	}
	if w.Removed != nil {
		d.st.Removed = *w.Removed
	}
	d.st.Changes = append(slices.Clip(d.st.Changes), w.Changes...)
	d.changes += len(w.Changes)
}

func (d *disk) snapshot(x agree.Snapshot) agree.Snapshot {
	if !d.n.s.opts.Verify {
		return x
	}
	y, err := agree.DecodeSnapshot(agree.EncodeSnapshot(&x))
	if err != nil {
		d.n.s.fail("codec", "state stored by %s: %v", d.n.name, err)
	}
	return y
}

// tear is what is left of a write when the power goes off within it: all or
// nothing, as the store promises.
func (d *disk) tear(w *agree.Write) {
	switch {
	case d.n.s.opts.Plant.Has(PlantHalfSync) && w.Snapshot != nil && w.Stamp != nil:
		half := agree.Write{Promise: w.Promise, Stamp: w.Stamp}
		if d.st.Stamped.IsZero() {
			half.Snapshot = w.Snapshot
		}
		d.write(&half)
	case d.n.r.chance(2):
		d.write(w)
	}
}

// fill makes the disk of a node full, or empties it; the runner of a DC that
// notices gives way to another member.
func (n *node) fill(full bool) {
	if n.disk.full == full {
		return
	}
	n.disk.full = full
	if d := n.d; d != nil {
		d.run(func() { d.m.SetFit(n.local(), !full) })
	}
}

// lose puts an empty disk in place.
func (d *disk) lose() {
	old := *d
	old.full, old.slow, old.torn = false, 0, 0
	d.n.lost = append(d.n.lost, old)
	*d = disk{n: d.n, id: d.n.s.newDisk()}
}
