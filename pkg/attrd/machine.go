package attrd

import (
	"errors"
	"fmt"
	"sort"
	"time"
)

// Sentinel errors of this package.
var (
	// ErrName indicates an attribute without a name.
	ErrName = errors.New("attribute has no name")
	// ErrUnknown indicates that there is no attribute of that name to change.
	ErrUnknown = errors.New("there is no such attribute")
	// ErrDampen indicates a negative dampening.
	ErrDampen = errors.New("dampening is negative")
)

// retryAfter is how long after a failed write it is tried again.
const retryAfter = time.Second

// Update is a request to set or delete an attribute.
type Update struct {
	// Node is the node the attribute belongs to; "" is this one.
	Node, Name string
	// Value is the new value; "NAME++" and "NAME+=N" count up from the present one.
	Value string
	// Delete removes the attribute; Value does not matter then.
	Delete bool
	// Dampen is the dampening from now on, if SetDampen; 0 writes at once. An
	// attribute that was never given one has none.
	Dampen    time.Duration
	SetDampen bool
	// Permanent attributes are kept with the node's configuration and outlive
	// its restarts; others are kept in its status and vanish with it.
	Permanent bool
	// Set is the id of the attribute set to use, "" for the usual one.
	Set string
	// Private makes a new attribute one that is never written: it is known to
	// this machine only. An attribute keeps what it was made as.
	Private bool
	// Keep leaves the value as it is: only the dampening changes.
	Keep bool
}

// Effect is something to do: a [Write], a [Flush] or a [Forward].
type Effect interface{ effect() }

// Write puts the value of an attribute of a node into the CIB: into the status
// section, or the node's configuration if Permanent. The outcome is to be told by
// [Machine.Written].
type Write struct {
	Node, Name, Value string
	Delete, Permanent bool
	Set               string
	// Serial numbers the writes of this machine, for Written.
	Serial uint64
}

// Flush tells the attribute managers of all other nodes to write what they have.
type Flush struct{ Name string }

// Forward hands an update to the attribute manager of the node it is for.
type Forward struct {
	Node   string
	Update Update
}

func (Write) effect()   {}
func (Flush) effect()   {}
func (Forward) effect() {}

// state is a value, or that there is none.
type state struct {
	value string
	set   bool
}

// attribute is one attribute of this node.
type attribute struct {
	now, written state
	permanent    bool
	private      bool
	setID        string
	dampen       time.Duration
	// due is when it will be written, zero when nothing waits.
	due time.Time
	// serial is the write under way, 0 for none; sent is what it writes.
	serial uint64
	sent   state
	// unsure tells that the outcome of a write is not known.
	unsure bool
}

// Machine is the attribute manager of one node.
type Machine struct {
	self   string
	serial uint64
	attrs  map[string]*attribute
}

// New returns the attribute manager of a node, without attributes.
func New(self string) *Machine { return &Machine{self: self, attrs: map[string]*attribute{}} }

// Update takes a request in. An error changes nothing.
func (m *Machine) Update(u Update, now time.Time) ([]Effect, error) {
	switch {
	case u.Name == "":
		return nil, ErrName
	case u.SetDampen && u.Dampen < 0:
		return nil, fmt.Errorf("attribute %s: %w: %s", u.Name, ErrDampen, u.Dampen)
	case u.Node != "" && u.Node != m.self:
		return []Effect{Forward{Node: u.Node, Update: u}}, nil
	}
	a := m.attrs[u.Name]
	if u.Keep && a == nil {
		return nil, fmt.Errorf("attribute %s: %w", u.Name, ErrUnknown)
	}
	next := state{set: !u.Delete}
	if u.Keep {
		next, u.Permanent, u.Set = a.now, a.permanent, a.setID
	} else if next.set {
		old := ""
		if a != nil {
			old = a.now.value
		}
		v, err := expand(old, u.Value)
		if err != nil {
			return nil, fmt.Errorf("attribute %s: %w", u.Name, err)
		}
		next.value = v
	}
	if a == nil {
		if !next.set {
			// Another life of this daemon may have set it: the CIB is asked to
			// delete it whatever is known here.
			a = &attribute{unsure: true}
		} else {
			a = &attribute{private: u.Private}
		}
		m.attrs[u.Name] = a
	}
	var moved []Effect
	if a.permanent != u.Permanent || a.setID != u.Set {
		if a.written.set {
			// The value left in the other place would still count.
			m.serial++
			moved = append(moved, Write{Node: m.self, Name: u.Name, Delete: true, Permanent: a.permanent, Set: a.setID, Serial: m.serial})
		}
		a.permanent, a.setID, a.written, a.serial = u.Permanent, u.Set, state{}, 0
	}
	if u.SetDampen {
		a.dampen = u.Dampen
	}
	changed := a.now != next
	a.now = next
	if !changed && !a.due.IsZero() {
		return moved, nil // identical: the wait goes on as it is
	}
	if !a.dirty() {
		a.due = time.Time{}
		if a.private && !a.now.set {
			delete(m.attrs, u.Name)
		}
		return moved, nil
	}
	if a.dampen > 0 {
		a.due = now.Add(a.dampen)
		return moved, nil
	}
	return append(moved, m.write(u.Name, a)...), nil
}

// dirty tells whether the CIB may have something else than the present value.
func (a *attribute) dirty() bool {
	if a.private {
		return false
	}
	if a.unsure {
		return true
	}
	if a.serial != 0 {
		return a.sent != a.now
	}
	return a.written != a.now
}

// write makes the effect that writes the present value.
func (m *Machine) write(name string, a *attribute) []Effect {
	m.serial++
	a.serial, a.sent, a.due, a.unsure = m.serial, a.now, time.Time{}, false
	return []Effect{Write{Node: m.self, Name: name, Value: a.now.value, Delete: !a.now.set,
		Permanent: a.permanent, Set: a.setID, Serial: m.serial}}
}

// Tick writes what has waited long enough, and lets the other nodes write theirs.
func (m *Machine) Tick(now time.Time) []Effect {
	var out []Effect
	for _, name := range m.names() {
		a := m.attrs[name]
		if a.due.IsZero() || a.due.After(now) {
			continue
		}
		a.due = time.Time{}
		if !a.dirty() {
			continue
		}
		if a.dampen > 0 {
			out = append(out, Flush{Name: name})
		}
		out = append(out, m.write(name, a)...)
	}
	return out
}

// Next returns when Tick has something to do.
func (m *Machine) Next() (due time.Time, ok bool) {
	for _, a := range m.attrs {
		if !a.due.IsZero() && (!ok || a.due.Before(due)) {
			due, ok = a.due, true
		}
	}
	return due, ok
}

// Flush is the message of another node whose wait has ended: a value that waits
// here is written at once.
func (m *Machine) Flush(name string) []Effect {
	a := m.attrs[name]
	if a == nil || !a.dirty() {
		return nil
	}
	return m.write(name, a)
}

// Refresh writes all attributes again, as a new DC asks for at a join.
func (m *Machine) Refresh() []Effect {
	var out []Effect
	for _, name := range m.names() {
		if a := m.attrs[name]; !a.private && (a.now.set || a.dirty()) {
			out = append(out, m.write(name, a)...)
		}
	}
	return out
}

// Written tells the outcome of a write. One that failed, or whose outcome is
// unknown, is done again after a second.
func (m *Machine) Written(w Write, ok bool, now time.Time) {
	a := m.attrs[w.Name]
	if a == nil || a.serial != w.Serial {
		return // a later write has taken its place
	}
	a.serial = 0
	if ok {
		a.written = a.sent
		if !a.now.set && !a.dirty() {
			delete(m.attrs, w.Name)
		}
		return
	}
	a.unsure = true
	if a.due.IsZero() {
		a.due = now.Add(retryAfter)
	}
}

// Attribute is one attribute of this node, as asked for by name.
type Attribute struct {
	Name, Value, Set string
	Permanent        bool
	Private          bool
	Dampen           time.Duration
	// Waiting tells that the value is not written yet.
	Waiting bool
}

// Attributes returns the attributes of this node, sorted by name.
func (m *Machine) Attributes() []Attribute {
	var out []Attribute
	for _, name := range m.names() {
		if a := m.attrs[name]; a.now.set {
			out = append(out, Attribute{Name: name, Value: a.now.value, Set: a.setID, Permanent: a.permanent, Private: a.private,
				Dampen: a.dampen, Waiting: a.dirty() || a.serial != 0})
		}
	}
	return out
}

func (m *Machine) names() []string {
	out := make([]string, 0, len(m.attrs))
	for n := range m.attrs {
		out = append(out, n)
	}
	sort.Strings(out)
	return out
}
