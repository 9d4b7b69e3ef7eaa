package daemon

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/client"
)

// askTimeout is how long a member may take to answer a question of a client
// elsewhere.
const askTimeout = 30 * time.Second

// The questions that one daemon asks another for a client.
const (
	askController = "controller" // the state of its controller
	askClient     = "client"     // whether a client is connected to it
	askSetAttr    = "set-attr"   // change an attribute, a client.AttrUpdate
	askAttrs      = "attrs"      // its transient attributes
)

// questions are those that members have not answered yet.
type questions struct {
	next    uint64
	waiting map[uint64]question
}

type question struct {
	to    string
	since time.Time
	reply func(*client.Response)
}

// askMessage carries a question to a member and its answer back.
type askMessage struct {
	ID   uint64 `json:"id"`
	What string `json:"what,omitempty"`
	Name string `json:"name,omitempty"`
	// Done tells that it is the answer, and Answer what that is.
	Done   bool             `json:"done,omitempty"`
	Answer *client.Response `json:"answer,omitempty"`
}

// ask answers a question about a node, here or by asking its daemon.
func (d *Daemon) ask(req *client.Request, what, name string, reply func(*client.Response)) {
	node := strings.ToLower(req.Node)
	if node == "" || node == d.opts.Self {
		reply(d.tell(what, name))
		return
	}
	if !d.view.Has(node) {
		known := false
		for _, p := range d.cluster.Peers() {
			known = known || p.Name == node
		}
		if !known {
			reply(&client.Response{Code: cli.ExitNoHost, Error: fmt.Sprintf("there is no node %q in this cluster", req.Node)})
			return
		}
		reply(&client.Response{Code: cli.ExitNoHost,
			Error: fmt.Sprintf("%s is not a member of this partition (%s): it cannot be asked", node, d.view.Reason)})
		return
	}
	d.questions.next++
	id := d.questions.next
	d.questions.waiting[id] = question{node, time.Now(), reply}
	d.sendAsk(node, &askMessage{ID: id, What: what, Name: name})
}

func (d *Daemon) sendAsk(to string, m *askMessage) {
	b, err := json.Marshal(m)
	if err != nil { // strings and numbers always can be
		panic(err)
	}
	d.cluster.Send(to, append([]byte{tagAsk}, b...))
}

// asked takes a question of a member, or the answer to one of ours.
func (d *Daemon) asked(from string, payload []byte) error {
	var m askMessage
	if err := json.Unmarshal(payload, &m); err != nil {
		return fmt.Errorf("question from %s: %w", from, err)
	}
	if !m.Done {
		d.sendAsk(from, &askMessage{ID: m.ID, Done: true, Answer: d.tell(m.What, m.Name)})
		return nil
	}
	if q, ok := d.questions.waiting[m.ID]; ok && q.to == from && m.Answer != nil {
		delete(d.questions.waiting, m.ID)
		q.reply(m.Answer)
	}
	return nil
}

// expireAsks answers for members that are gone or silent.
func (d *Daemon) expireAsks(now time.Time) {
	for id, q := range d.questions.waiting {
		switch {
		case !d.view.Has(q.to):
			q.reply(&client.Response{Code: cli.ExitNoHost, Error: q.to + " left the partition before it answered"})
		case now.Sub(q.since) > askTimeout:
			q.reply(&client.Response{Code: cli.ExitTimeout, Error: fmt.Sprintf("%s did not answer within %v", q.to, askTimeout)})
		default:
			continue
		}
		delete(d.questions.waiting, id)
	}
}

// tell answers a question about this node, or does what it asks for.
func (d *Daemon) tell(what, name string) *client.Response {
	switch what {
	case askController:
		return &client.Response{Text: string(d.machine.State())}
	case askClient:
		if d.connected(name) {
			return &client.Response{Text: client.Online}
		}
		return &client.Response{Text: client.Offline}
	case askSetAttr:
		return d.attrs.change(name)
	case askAttrs:
		return d.attrs.list()
	}
	return &client.Response{Code: cli.ExitUsage, Error: fmt.Sprintf("%s does not know the question %q: it has another version", d.opts.Self, what)}
}

// parts are the clients of a classic set-up that are parts of this daemon.
var parts = map[string]bool{"ccm": true, "cib": true, "crmd": true, "attrd": true, "lrmd": true, "pengine": true, "tengine": true}

// connected reports whether a client runs here: a part of the daemon, a
// built-in client that ha.cf names, or a program that ha.cf has the daemon run.
func (d *Daemon) connected(name string) bool {
	if parts[name] {
		return true
	}
	for _, c := range d.info.conf.Children {
		if c.Path[strings.LastIndexByte(c.Path, '/')+1:] != name {
			continue
		}
		if _, runs := d.children.Load(c.Path); runs || c.Builtin != "" {
			return true
		}
	}
	return false
}
