package daemon

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/client"
	"github.com/quorate/quorate/pkg/member"
)

// edit asks for a change; reply is called once, from any goroutine.
func (d *Daemon) edit(id string, op []byte, reply member.Reply) {
	if id == "" {
		id = uuid.NewString()
	}
	d.edits.Edit(time.Now(), id, op, reply)
}

// editHost is the daemon as [member.Edits] sees it.
type editHost struct{ *Daemon }

// SendEdit implements [member.EditHost].
func (d editHost) SendEdit(to string, payload []byte) {
	d.cluster.Send(to, append([]byte{tagEdit}, payload...))
}

// Propose implements [member.EditHost]; done is called by a goroutine of its own.
func (d editHost) Propose(id string, op []byte, done func(error)) {
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), member.EditTimeout)
		defer cancel()
		if c, ok := decodeVoter(op); ok {
			ctx, cancel := context.WithTimeout(context.Background(), d.voterBound())
			defer cancel()
			done(d.electorate.ChangeVoter(ctx, id, c))
			return
		}
		_, err := d.cluster.Propose(ctx, id, op)
		done(err)
	}()
}

// clientEdit serves VerbEdit.
func (d *Daemon) clientEdit(who caller, req *client.Request, done func(*client.Response)) {
	reply := func(code int, text string) { done(&client.Response{Code: code, Error: text}) }
	if s := d.electorate.Disk().Sentence(); s != "" {
		reply(cli.ExitIOErr, "the configuration cannot be changed through this node: "+s+", or run the command on another node; nothing was changed")
		return
	}
	op, err := cib.DecodeOp(req.Edit)
	if err != nil {
		reply(cli.ExitDataErr, err.Error())
		return
	}
	if d.v1 != nil {
		reply(cli.ExitUnavailable, errV1Edit)
		return
	}
	if op.Scope == "status" {
		reply(cli.ExitUsage, "the section status is written by the cluster itself; to make it look again at a resource use crm_resource --cleanup")
		return
	}
	acc := who.account()
	if !acc.Unlimited() || !op.Restricted { // root may act as somebody else
		op.Restricted, op.User, op.Groups = !acc.Unlimited(), who.user, acc.Groups
	}
	op.Client, op.Unchecked = who.prog, false
	if req.Force && !d.view.Quorum {
		d.force(op, done)
		return
	}
	d.edit(req.RequestID, d.signed(op), reply)
}

// notified is what the log has said of changes of the configuration.
type notified struct {
	version string
	calls   int
}

// diffNotify logs that the configuration is another one. In a stream of changes a
// line stands for several.
func (d *Daemon) diffNotify(root *cib.Element) {
	v := cib.VersionOf(root)
	now, old := fmt.Sprintf("%d.%d.%d", v.AdminEpoch, v.Epoch, v.NumUpdates), d.notified.version
	if now == old {
		return
	}
	d.notified.version = now
	if old == "" {
		return // what this node starts with
	}
	d.notified.calls++
	who := root.Get("update-client")
	if from := root.Get("update-origin"); from != "" {
		who += "/" + from
	}
	d.log.Info(fmt.Sprintf("cib_diff_notify: Update (client: %s, call:%d): %s -> %s (ok)", who, d.notified.calls, old, now), "component", "cib")
}

// signed encodes a change with the time and this node as its origin.
func (d *Daemon) signed(op cib.Op) []byte { return member.Sign(op, time.Now(), d.opts.Self) }
