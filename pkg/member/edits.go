package member

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/ccm/agree"
	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
)

// EditTimeout bounds how long a client waits for a change to be on the disks of
// a quorum.
const EditTimeout = 30 * time.Second

// maxHeld bounds the edits that wait for the end of a change of membership.
const maxHeld = 1000

// Reply takes the outcome of a change: an exit code and a sentence.
type Reply func(code int, text string)

// EditHost is what [Edits] needs of its node.
type EditHost interface {
	// Propose replicates a change, this node being the DC, and calls done once.
	Propose(id string, op []byte, done func(error))
	// SendEdit sends a message that [Edits.Message] of a member understands.
	SendEdit(to string, payload []byte)
}

// Edits sends changes where they belong: to the replication on the DC, to the
// DC from elsewhere, and to a queue while the membership is changing.
type Edits struct {
	self    string
	host    EditHost
	view    ccm.View
	waiting map[string]waitingEdit
	held    []heldEdit
}

type waitingEdit struct {
	to    string
	until time.Time
	reply Reply
}

type heldEdit struct {
	id    string
	op    []byte
	bound time.Duration
	reply Reply
}

// editMessage carries a change to the DC and its outcome back.
type editMessage struct {
	ID    string `json:"id"`
	Op    []byte `json:"op,omitempty"` // an encoded cib.Op
	Done  bool   `json:"done,omitempty"`
	Code  int    `json:"code,omitempty"`
	Error string `json:"error,omitempty"`
}

// NewEdits returns the edits of a node.
func NewEdits(self string, host EditHost) *Edits {
	return &Edits{self: self, host: host, waiting: map[string]waitingEdit{}}
}

// Edit asks for a change, an encoded [cib.Op], under an id not used before; a
// repeat with the same id is carried out once. reply is called once, maybe at
// once.
func (e *Edits) Edit(now time.Time, id string, op []byte, reply Reply) {
	e.EditWithin(now, EditTimeout, id, op, reply)
}

// EditWithin is Edit with another bound than [EditTimeout], and for changes that
// only the host understands.
func (e *Edits) EditWithin(now time.Time, bound time.Duration, id string, op []byte, reply Reply) {
	v := e.view
	switch {
	case !v.Quorum && v.Event == agree.EventNotPrimary && len(e.held) < maxHeld:
		e.held = append(e.held, heldEdit{id, op, bound, reply})
	case !v.Quorum || v.DC == "":
		reply(cli.ExitQuorum, "the configuration cannot be changed without quorum: "+v.Reason)
	case v.DC == e.self:
		e.host.Propose(id, op, func(err error) { reply(EditOutcome(err)) })
	default:
		if w, twice := e.waiting[id]; twice { // a retry: one outcome answers both
			last := reply
			reply = func(code int, text string) {
				w.reply(code, text)
				last(code, text)
			}
		}
		e.waiting[id] = waitingEdit{v.DC, now.Add(bound), reply}
		e.send(v.DC, &editMessage{ID: id, Op: op})
	}
}

// View takes a newly installed view: what waited for it goes on.
func (e *Edits) View(now time.Time, v ccm.View) {
	e.view = v
	e.Tick(now)
	held := e.held
	e.held = nil
	for _, h := range held {
		e.EditWithin(now, h.bound, h.id, h.op, h.reply)
	}
}

// Tick answers the edits whose DC is gone or silent.
func (e *Edits) Tick(now time.Time) {
	if len(e.waiting) == 0 {
		return
	}
	for _, id := range slices.Sorted(maps.Keys(e.waiting)) {
		w := e.waiting[id]
		gone := w.to != e.view.DC && e.view.Event != agree.EventNotPrimary
		if gone || now.After(w.until) {
			delete(e.waiting, id)
			w.reply(EditOutcome(ccm.ErrUnknown))
		}
	}
}

// Message takes a message of another node's Edits.
func (e *Edits) Message(from string, payload []byte) error {
	var m editMessage
	if err := json.Unmarshal(payload, &m); err != nil {
		return fmt.Errorf("edit message from %s: %w", from, err)
	}
	if m.Done {
		if w, ok := e.waiting[m.ID]; ok && w.to == from { // not of an older DC
			delete(e.waiting, m.ID)
			w.reply(m.Code, m.Error)
		}
		return nil
	}
	answer := func(err error) {
		code, text := EditOutcome(err)
		e.send(from, &editMessage{ID: m.ID, Done: true, Code: code, Error: text})
	}
	if e.view.DC != e.self {
		answer(ccm.ErrNotDC)
		return nil
	}
	e.host.Propose(m.ID, m.Op, answer)
	return nil
}

// Waiting is how many changes wait for the answer of the DC.
func (e *Edits) Waiting() int { return len(e.waiting) }

func (e *Edits) send(to string, m *editMessage) {
	b, err := json.Marshal(m)
	if err != nil {
		panic(err) // only strings and numbers
	}
	e.host.SendEdit(to, b)
}

// EditOutcome maps the end of a change to an exit code and a sentence.
func EditOutcome(err error) (int, string) {
	switch {
	case err == nil:
		return 0, ""
	case errors.Is(err, ccm.ErrNoQuorum):
		return cli.ExitQuorum, "the configuration cannot be changed: " + err.Error()
	case errors.Is(err, ccm.ErrDiskFull):
		return cli.ExitIOErr, "the configuration cannot be changed: the disk of the DC is full; nothing was changed"
	case errors.Is(err, ccm.ErrNotDC):
		return cli.ExitTimeout, "the DC changed while the change was on its way: nothing was changed; try again"
	case errors.Is(err, ccm.ErrUnknown), errors.Is(err, context.DeadlineExceeded):
		return cli.ExitTimeout, "the view was lost before the change was on the disks of a quorum: whether it took effect is unknown; look with cibadmin -Q before you try again"
	}
	if errors.Is(err, ccm.ErrVoters) {
		return cli.ExitError, err.Error()
	}
	return cib.ExitCode(err), err.Error()
}
