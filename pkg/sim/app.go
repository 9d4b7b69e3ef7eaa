package sim

import (
	"encoding/binary"
	"errors"
	"hash/fnv"

	"github.com/quorate/quorate/pkg/member"
)

// app is the replicated configuration with the list of the changes that made
// it, which invariant I4 is about.
type app struct {
	s   *sim
	rep *member.Replica
	log []logged
}

// logged is one change: its number, and what identifies it.
type logged struct{ seq, id uint64 }

// changeID identifies a change.
func changeID(change []byte) uint64 {
	h := fnv.New64a()
	h.Write(change)
	return h.Sum64()
}

// Snapshot implements [agree.App].
func (a *app) Snapshot() []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(a.log)))
	for _, l := range a.log {
		b = binary.BigEndian.AppendUint64(b, l.seq)
		b = binary.BigEndian.AppendUint64(b, l.id)
	}
	return append(b, a.rep.Snapshot()...)
}

var errApp = errors.New("the state is not one of the simulator's")

// Restore implements [agree.App].
func (a *app) Restore(b []byte) error {
	if len(b) < 4 {
		return errApp
	}
	n := int(binary.BigEndian.Uint32(b))
	if b = b[4:]; len(b) < 16*n {
		return errApp
	}
	list := make([]logged, n)
	for i := range list {
		list[i] = logged{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}
		b = b[16:]
	}
	if err := a.rep.Restore(b); err != nil {
		return err
	}
	a.log = list
	return nil
}

// Apply implements [agree.App].
func (a *app) Apply(seq uint64, change []byte) error {
	if err := a.rep.Apply(seq, change); err != nil {
		return err
	}
	a.log = append(a.log, logged{seq, changeID(change)})
	return nil
}

// Digest implements [agree.App].
func (a *app) Digest() string { return a.rep.Digest() }

// upTo is the part of the log with numbers up to seq.
func upTo(log []logged, seq uint64) []logged {
	for len(log) > 0 && log[len(log)-1].seq > seq {
		log = log[:len(log)-1]
	}
	return log
}
