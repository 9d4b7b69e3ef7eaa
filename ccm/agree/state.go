package agree

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// App is the replicated state machine. The machine calls it from within its
// own inputs. Changes are applied when they are stored, before they are
// committed; Restore takes back what was not.
type App interface {
	// Snapshot returns the whole state.
	Snapshot() []byte
	// Restore replaces the whole state.
	Restore(snapshot []byte) error
	// Apply applies one change, deterministically. An error leaves the state as
	// it was.
	Apply(seq uint64, change []byte) error
	// Digest identifies the present state.
	Digest() string
}

// Loader is an [App] that wants to know when its stored state is read: what it
// restores and applies meanwhile was agreed on long ago, needs no check, and is
// news at the end at most.
type Loader interface {
	Loading(yes bool)
}

// requestWindow is how many request ids the state remembers, so that a retry is
// answered once.
const requestWindow = 512

// Request is a request id and the change that answered it.
type Request struct {
	ID  string
	Seq uint64
}

// Birth records in which view a life of a node joined.
type Birth struct{ Incarnation, Number uint64 }

// Meta is the protocol's own part of the replicated state.
type Meta struct {
	Voters Voters
	// Prior, if not nil, is V before a change of names or weights that is not
	// settled: until it is, what needs a quorum needs one of both (rule 23).
	Prior Voters
	// Born has the members of the last opened view.
	Born map[string]Birth
	// Requests holds the last request ids, oldest first.
	Requests []Request
	// Alone, if not zero, is the first of the views since in which a plug-in broke
	// the tie: the other half may have gone another way. Edits counts the changes
	// for the App since then.
	Alone Ballot
	Edits uint64
	// Lists are the digests of the lists of voters that were agreed on, the
	// newest last: who lists other voters in ha.cf does not count.
	Lists []uint64
	// Removed are the nodes that were taken out, sorted: they are not admitted
	// again by themselves.
	Removed []string
}

// listWindow is how many lists of voters are remembered.
const listWindow = 64

func newMeta(v Voters) Meta {
	m := Meta{Born: map[string]Birth{}}
	m.setVoters(v)
	return m
}

// setVoters replaces V and keeps the books of it. Other names or weights are
// joint with the former ones until they are set again, which settles them; other
// stores alone leave that open.
func (m *Meta) setVoters(v Voters) {
	old := m.Voters
	switch {
	case len(old) == 0 || maps.Equal(old, v):
		m.Prior = nil
	case old.list() != v.list():
		m.Prior = old
	case m.Prior != nil:
		m.Prior = m.Prior.clone()
		for name, x := range m.Prior {
			if y, ok := v[name]; ok {
				x.Disk = y.Disk
				m.Prior[name] = x
			}
		}
	}
	for name := range m.Voters {
		if _, stays := v[name]; !stays && !slices.Contains(m.Removed, name) {
			m.Removed = append(m.Removed, name)
		}
	}
	slices.Sort(m.Removed)
	m.Removed = slices.DeleteFunc(m.Removed, func(n string) bool { _, ok := v[n]; return ok })
	if over := len(m.Removed) - maxNodes; over > 0 {
		m.Removed = slices.Delete(m.Removed, 0, over)
	}
	m.Voters = v.clone()
	if len(v) == 0 {
		return
	}
	list := v.list()
	m.Lists = append(slices.DeleteFunc(m.Lists, func(x uint64) bool { return x == list }), list)
	if over := len(m.Lists) - listWindow; over > 0 {
		m.Lists = slices.Delete(m.Lists, 0, over)
	}
}

func (m *Meta) clone() Meta {
	c := Meta{Voters: m.Voters.clone(), Prior: m.Prior.clone(), Born: map[string]Birth{}, Requests: slices.Clone(m.Requests), Alone: m.Alone, Edits: m.Edits,
		Lists: slices.Clone(m.Lists), Removed: slices.Clone(m.Removed)}
	for k, v := range m.Born {
		c.Born[k] = v
	}
	return c
}

// answered returns the change that carried the request id.
func (m *Meta) answered(id string) (uint64, bool) {
	for i := len(m.Requests) - 1; i >= 0; i-- {
		if m.Requests[i].ID == id {
			return m.Requests[i].Seq, true
		}
	}
	return 0, false
}

func (m *Meta) remember(id string, seq uint64) {
	if id == "" {
		return
	}
	m.Requests = append(m.Requests, Request{id, seq})
	if len(m.Requests) > requestWindow {
		m.Requests = slices.Delete(m.Requests, 0, len(m.Requests)-requestWindow)
	}
}

func (e *encoder) voters(v Voters) {
	e.uint(uint64(len(v)))
	for _, name := range v.Names() {
		e.str(name)
		e.uint(uint64(v[name].Weight))
		e.str(v[name].Disk)
		e.bool(v[name].Arbiter)
	}
}

func (d *decoder) voters() Voters {
	v := Voters{}
	last := ""
	for range d.count(maxNodes) {
		name := d.str()
		w := d.uint()
		if w > MaxWeight || name <= last {
			d.fail("bad voter")
			return v
		}
		v[name], last = Voter{Weight: int(w), Disk: d.str(), Arbiter: !d.old && d.bool()}, name
	}
	return v
}

func (e *encoder) meta(m *Meta) {
	e.voters(m.Voters)
	e.uint(uint64(len(m.Born)))
	for _, name := range sortedKeys(m.Born) {
		e.str(name)
		e.uint(m.Born[name].Incarnation)
		e.uint(m.Born[name].Number)
	}
	e.uint(uint64(len(m.Requests)))
	for _, r := range m.Requests {
		e.str(r.ID)
		e.uint(r.Seq)
	}
	e.uint(uint64(len(m.Lists)))
	for _, x := range m.Lists {
		e.fix64(x)
	}
	e.names(m.Removed)
	e.ballot(m.Alone)
	e.uint(m.Edits)
	e.bool(m.Prior != nil)
	if m.Prior != nil {
		e.voters(m.Prior)
	}
}

func (d *decoder) meta() Meta {
	m := Meta{Voters: d.voters(), Born: map[string]Birth{}}
	for range d.count(maxNodes) {
		name := d.str()
		m.Born[name] = Birth{Incarnation: d.uint(), Number: d.uint()}
	}
	for range d.count(requestWindow) {
		m.Requests = append(m.Requests, Request{ID: d.str(), Seq: d.uint()})
	}
	if d.old {
		m.setVoters(m.Voters)
		return m
	}
	for range d.count(listWindow) {
		m.Lists = append(m.Lists, d.fix64())
	}
	m.Removed = d.names()
	m.Alone, m.Edits = d.ballot(), d.uint()
	if d.bool() {
		m.Prior = d.voters()
	}
	return m
}

// Change is one numbered change of the state.
type Change struct {
	Seq       uint64
	RequestID string
	// Voters, if not nil, replaces V; otherwise Data is for the [App].
	Voters Voters
	Data   []byte
	// Digest identifies the state after the change.
	Digest []byte
}

func (e *encoder) change(c *Change) {
	e.uint(c.Seq)
	e.str(c.RequestID)
	e.bool(c.Voters != nil)
	if c.Voters != nil {
		e.voters(c.Voters)
	} else {
		e.bytes(c.Data)
	}
	e.bytes(c.Digest)
}

func (d *decoder) change() Change {
	c := Change{Seq: d.uint(), RequestID: d.str()}
	if d.bool() {
		c.Voters = d.voters()
	} else {
		c.Data = d.bytes()
	}
	c.Digest = d.bytes()
	return c
}

// Snapshot is the whole replicated state after the change Seq.
type Snapshot struct {
	Seq  uint64
	Meta Meta
	App  []byte
}

// Stored is what a node has on disk, and what it starts from.
type Stored struct {
	// Promised is the highest promise, PromisedMembers its members.
	Promised        Ballot
	PromisedMembers []Member
	// Stamped is the last ballot whose state was taken over.
	Stamped Ballot
	// Snapshot is valid if Stamped is not zero; Changes follow it without a gap.
	Snapshot Snapshot
	Changes  []Change
	// Removed, if not zero, is the stamp of a state that this node is not part of
	// any more.
	Removed Ballot
	// Meta, if not nil, replaces the protocol's part once the changes up to its
	// Seq are applied.
	Meta *MetaAt
}

// MetaAt is the protocol's part of the state after the change Seq, stored alone
// when a ballot stamps a state that is on the disk already.
type MetaAt struct {
	Seq  uint64
	Meta Meta
}

// Write is what must be durable, in one transaction, before the messages of the
// same [Ready] leave. Nil parts are left as they are.
type Write struct {
	Promise *PromiseWrite
	Stamp   *Ballot
	Removed *Ballot
	// Conflict is a state that is about to be replaced, and has changes that the
	// one that replaces it lacks. It must be kept for the user.
	Conflict *Conflict
	// Snapshot replaces the state and drops all older changes, and Meta.
	Snapshot *Snapshot
	// Meta is stored beside the state.
	Meta *MetaAt
	// Changes are appended, after Snapshot if there is one.
	Changes []Change
}

// PromiseWrite is a promise to be stored.
type PromiseWrite struct {
	Ballot  Ballot
	Members []Member
}

// Empty reports whether there is nothing to write.
func (w *Write) Empty() bool {
	return w.Promise == nil && w.Stamp == nil && w.Removed == nil && w.Conflict == nil && w.Snapshot == nil && w.Meta == nil && len(w.Changes) == 0
}

// storedFormat is the form on disk of states and changes. Form 1 knew no
// arbiters, lists and removed nodes; it is read too.
const storedFormat = 2

func (d *decoder) format(what string) error {
	v := d.u8()
	if v > storedFormat || v == 0 && d.err == nil {
		return fmt.Errorf("stored %s of format %d, this program reads up to %d: %w", what, v, storedFormat, ErrFrame)
	}
	d.old = v < storedFormat
	return nil
}

// EncodeSnapshot and EncodeChange are the forms on disk.
func EncodeSnapshot(s *Snapshot) []byte {
	var e encoder
	e.u8(storedFormat)
	e.uint(s.Seq)
	e.meta(&s.Meta)
	e.bytes(s.App)
	return e.b
}

// DecodeSnapshot is the inverse of [EncodeSnapshot].
func DecodeSnapshot(b []byte) (Snapshot, error) {
	d := decoder{b: b}
	if err := d.format("state"); err != nil {
		return Snapshot{}, err
	}
	s := Snapshot{Seq: d.uint(), Meta: d.meta(), App: d.bytes()}
	return s, d.end()
}

// EncodeMeta returns the form on disk.
func EncodeMeta(m *MetaAt) []byte {
	var e encoder
	e.u8(storedFormat)
	e.uint(m.Seq)
	e.meta(&m.Meta)
	return e.b
}

// DecodeMeta is the inverse of [EncodeMeta].
func DecodeMeta(b []byte) (MetaAt, error) {
	d := decoder{b: b}
	if err := d.format("voters"); err != nil {
		return MetaAt{}, err
	}
	m := MetaAt{Seq: d.uint(), Meta: d.meta()}
	return m, d.end()
}

// EncodeChange returns the form on disk.
func EncodeChange(c *Change) []byte {
	var e encoder
	e.u8(storedFormat)
	e.change(c)
	return e.b
}

// DecodeChange is the inverse of [EncodeChange].
func DecodeChange(b []byte) (Change, error) {
	d := decoder{b: b}
	if err := d.format("change"); err != nil {
		return Change{}, err
	}
	c := d.change()
	return c, d.end()
}

// EncodePromise returns the form on disk.
func EncodePromise(p PromiseWrite) []byte {
	var e encoder
	e.u8(1)
	e.ballot(p.Ballot)
	e.members(p.Members)
	return e.b
}

// DecodePromise is the inverse of [EncodePromise].
func DecodePromise(b []byte) (PromiseWrite, error) {
	d := decoder{b: b}
	if v := d.u8(); v != 1 && d.err == nil {
		return PromiseWrite{}, fmt.Errorf("stored promise has format %d, this program reads 1: %w", v, ErrFrame)
	}
	p := PromiseWrite{Ballot: d.ballot(), Members: d.members()}
	return p, d.end()
}

// EncodeBallot returns the form on disk.
func EncodeBallot(b Ballot) []byte {
	var e encoder
	e.ballot(b)
	return e.b
}

// DecodeBallot is the inverse of [EncodeBallot].
func DecodeBallot(p []byte) (Ballot, error) {
	d := decoder{b: p}
	b := d.ballot()
	return b, d.end()
}

// replica is the state as this machine holds it.
type replica struct {
	app  App
	meta Meta
	seq  uint64
	// diverged: a change gave another digest here than at the DC. Until a whole
	// state is taken over, this node has no state to offer and does not count.
	diverged bool
	noJoint  bool // planted
}

func (r *replica) digest() []byte {
	var e encoder
	e.str2(r.app.Digest())
	e.uint(r.seq)
	e.voters(r.meta.Voters)
	e.names(r.meta.Removed)
	e.voters(r.meta.Prior)
	sum := sha256.Sum256(e.b)
	return sum[:16]
}

// str2 is str for strings of any length, for digests only.
func (e *encoder) str2(s string) { e.bytes([]byte(s)) }

// apply applies the change; the digest is not compared here.
func (r *replica) apply(c *Change) error {
	if c.Seq != r.seq+1 {
		return fmt.Errorf("change %d does not follow %d", c.Seq, r.seq)
	}
	if c.Voters != nil {
		r.meta.setVoters(c.Voters)
		if r.noJoint {
			r.meta.Prior = nil
		}
	} else if err := r.app.Apply(c.Seq, c.Data); err != nil {
		return err
	}
	if c.Voters == nil && !r.meta.Alone.IsZero() {
		r.meta.Edits++
	}
	r.seq = c.Seq
	r.meta.remember(c.RequestID, c.Seq)
	return nil
}

func (r *replica) snapshot() Snapshot {
	return Snapshot{Seq: r.seq, Meta: r.meta.clone(), App: r.app.Snapshot()}
}

func (r *replica) restore(s *Snapshot) error {
	if err := r.app.Restore(s.App); err != nil {
		return fmt.Errorf("state %d: %w", s.Seq, err)
	}
	r.meta, r.seq, r.diverged = s.Meta.clone(), s.Seq, false
	return nil
}

// SeedDigest identifies a list of nodes, so that only nodes with equal lists
// seed the first state.
func SeedDigest(nodes []string) uint64 {
	s := slices.Sorted(slices.Values(nodes))
	sum := sha256.Sum256([]byte(strings.Join(s, "\x00")))
	return uint64(sum[0])<<56 | uint64(sum[1])<<48 | uint64(sum[2])<<40 | uint64(sum[3])<<32 |
		uint64(sum[4])<<24 | uint64(sum[5])<<16 | uint64(sum[6])<<8 | uint64(sum[7])
}
