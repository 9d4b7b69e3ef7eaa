package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/client"
)

// editTimeout bounds how long a client waits for a change to be on the disks of
// a quorum.
const editTimeout = 30 * time.Second

// editMessage carries a change to the DC and its outcome back.
type editMessage struct {
	ID    string `json:"id"`
	Op    []byte `json:"op,omitempty"` // an encoded cib.Op
	Done  bool   `json:"done,omitempty"`
	Code  int    `json:"code,omitempty"`
	Error string `json:"error,omitempty"`
}

// edits sends changes where they belong: to the replication on the DC, to the
// DC from elsewhere. Only the owner goroutine touches it.
type edits struct {
	waiting map[string]waitingEdit
	held    []func() // edits that came while the membership was changing
}

type waitingEdit struct {
	to    string
	since time.Time
	reply func(code int, text string)
}

// edit asks for a change; reply is called once, from any goroutine.
func (d *Daemon) edit(ctx context.Context, id string, op []byte, reply func(code int, text string)) {
	if id == "" {
		id = uuid.NewString()
	}
	v := d.view
	switch {
	case !v.Quorum && v.Event == eventFlux && len(d.edits.held) < maxHeld:
		d.edits.held = append(d.edits.held, func() { d.edit(ctx, id, op, reply) })
	case !v.Quorum || v.DC == "":
		reply(cli.ExitQuorum, "the configuration cannot be changed without quorum: "+v.Reason)
	case v.DC == d.opts.Self:
		d.propose(ctx, id, op, reply)
	default:
		if w, twice := d.edits.waiting[id]; twice { // a retry: one outcome answers both
			last := reply
			reply = func(code int, text string) {
				w.reply(code, text)
				last(code, text)
			}
		}
		d.edits.waiting[id] = waitingEdit{v.DC, time.Now(), reply}
		d.sendEdit(v.DC, &editMessage{ID: id, Op: op})
	}
}

// maxHeld bounds the edits that wait for the end of a change of membership.
const maxHeld = 1000

// eventFlux is the event of a view that is being agreed anew.
const eventFlux = "OC_EV_MS_NOT_PRIMARY"

// releaseEdits sends the edits on that waited for a view.
func (d *Daemon) releaseEdits() {
	held := d.edits.held
	d.edits.held = nil
	for _, f := range held {
		f()
	}
}

func (d *Daemon) sendEdit(to string, m *editMessage) {
	b, err := json.Marshal(m)
	if err != nil {
		panic(err) // only strings and numbers
	}
	d.cluster.Send(to, append([]byte{tagEdit}, b...))
}

// propose replicates a change; this node is the DC.
func (d *Daemon) propose(ctx context.Context, id string, op []byte, reply func(code int, text string)) {
	go func() {
		ctx, cancel := context.WithTimeout(ctx, editTimeout)
		defer cancel()
		_, err := d.cluster.Propose(ctx, id, op)
		reply(editOutcome(err))
	}()
}

// editOutcome maps the end of a proposal to an exit code and a sentence.
func editOutcome(err error) (int, string) {
	switch {
	case err == nil:
		return 0, ""
	case errors.Is(err, ccm.ErrNoQuorum):
		return cli.ExitQuorum, "the configuration cannot be changed: " + err.Error()
	case errors.Is(err, ccm.ErrNotDC):
		return cli.ExitTimeout, "the DC changed while the change was on its way: nothing was changed; try again"
	case errors.Is(err, ccm.ErrUnknown), errors.Is(err, context.DeadlineExceeded):
		return cli.ExitTimeout, "the view was lost before the change was on the disks of a quorum: whether it took effect is unknown; look with cibadmin -Q before you try again"
	}
	return cib.ExitCode(err), err.Error()
}

// editFrom takes an edit message of another node.
func (d *Daemon) editFrom(ctx context.Context, from string, payload []byte) {
	var m editMessage
	if err := json.Unmarshal(payload, &m); err != nil {
		d.log.Warn(fmt.Sprintf("edit message from %s: %v", from, err))
		return
	}
	if m.Done {
		if w, ok := d.edits.waiting[m.ID]; ok && w.to == from { // not of an older DC
			delete(d.edits.waiting, m.ID)
			w.reply(m.Code, m.Error)
		}
		return
	}
	answer := func(code int, text string) {
		d.sendEdit(from, &editMessage{ID: m.ID, Done: true, Code: code, Error: text})
	}
	if d.view.DC != d.opts.Self {
		answer(editOutcome(ccm.ErrNotDC))
		return
	}
	d.propose(ctx, m.ID, m.Op, answer)
}

// expireEdits answers the edits whose DC is gone or silent.
func (d *Daemon) expireEdits(now time.Time) {
	for id, w := range d.edits.waiting {
		gone := w.to != d.view.DC && d.view.Event != eventFlux
		if gone || now.Sub(w.since) > editTimeout {
			delete(d.edits.waiting, id)
			w.reply(editOutcome(ccm.ErrUnknown))
		}
	}
}

// clientEdit serves VerbEdit.
func (d *Daemon) clientEdit(ctx context.Context, who caller, req *client.Request, reply func(code int, text string)) {
	op, err := cib.DecodeOp(req.Edit)
	if err != nil {
		reply(cli.ExitDataErr, err.Error())
		return
	}
	if op.Scope == "status" {
		reply(cli.ExitUsage, "the section status is written by the cluster itself; to make it look again at a resource use crm_resource --cleanup")
		return
	}
	op.Client, op.User = who.prog, who.user
	d.edit(ctx, req.RequestID, d.signed(op), reply)
}

// signed encodes a change with the time and this node as its origin.
func (d *Daemon) signed(op cib.Op) []byte {
	op.LastWritten, op.Origin = time.Now().UTC().Format(time.ANSIC), d.opts.Self
	return cib.EncodeOp(op)
}
