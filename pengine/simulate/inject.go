package simulate

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/quorate/quorate/cib"
)

// ErrUnknown tells that an event names what the CIB does not have.
var ErrUnknown = errors.New("the configuration has no such name")

// Events are changes to make in a CIB before it is scheduled, each list in the
// order given.
type Events struct {
	// Quorum and Watchdog are "" or a boolean as it is written into the CIB.
	Quorum, Watchdog string
	// NodeUp and the like are names of nodes. A node that comes up may be new.
	NodeUp, NodeDown, NodeFail []string
	// Grant, Revoke, Standby and Activate are names of tickets.
	Grant, Revoke, Standby, Activate []string
	// Ops are results of operations to put into the history. A failure is
	// counted.
	Ops []OpSpec
	// Now is the time of the results.
	Now time.Time
}

// Empty reports whether nothing is to be changed.
func (v *Events) Empty() bool {
	return v.Quorum == "" && v.Watchdog == "" && len(v.NodeUp)+len(v.NodeDown)+len(v.NodeFail)+len(v.Grant)+
		len(v.Revoke)+len(v.Standby)+len(v.Activate)+len(v.Ops) == 0
}

// Inject makes the events happen in a CIB and returns it with what was done. An
// error wraps ErrUnknown and names the event; the events before it are
// returned, the CIB is not.
func Inject(root *cib.Element, v Events) (*cib.Element, []Event, error) {
	j := &injector{status: newStatus(root), now: v.Now}
	if v.Quorum != "" {
		set(j.status.root, "have-quorum", v.Quorum)
		j.say(Event{Task: "quorum", Value: v.Quorum, Sentence: "Setting quorum: " + v.Quorum})
	}
	if v.Watchdog != "" {
		j.option("have-watchdog", v.Watchdog)
		j.say(Event{Task: "watchdog", Value: v.Watchdog, Sentence: "Setting watchdog: " + v.Watchdog})
	}
	for _, step := range []struct {
		list []string
		do   func(string) error
	}{
		{v.NodeUp, j.up}, {v.NodeDown, j.down}, {v.NodeFail, j.fail},
		{v.Grant, j.ticket("Granting ticket %s", "Granting", "granted", "true")},
		{v.Revoke, j.ticket("Revoking ticket %s", "Revoking", "granted", "false")},
		{v.Standby, j.ticket("Making ticket %s standby", "Standby", "standby", "true")},
		{v.Activate, j.ticket("Activating ticket %s", "Activating", "standby", "false")},
	} {
		for _, name := range step.list {
			if err := step.do(name); err != nil {
				return nil, j.events, err
			}
		}
	}
	for _, o := range v.Ops {
		if err := j.op(o); err != nil {
			return nil, j.events, err
		}
	}
	return j.status.finish(), j.events, nil
}

type injector struct {
	status *status
	events []Event
	now    time.Time
}

func (j *injector) say(e Event) {
	e.Kind = Modified
	j.events = append(j.events, e)
}

// configured counts a change of the configuration.
func (j *injector) configured() {
	n, _ := strconv.Atoi(j.status.root.Get("epoch"))
	set(j.status.root, "epoch", strconv.Itoa(n+1), "num_updates", "0")
	j.status.changes = 0
}

// option sets a cluster option where it is set already, otherwise in the set of
// the cluster's own options.
func (j *injector) option(name, value string) {
	s := j.status
	conf := s.child(s.child(s.root, "configuration"), "crm_config")
	j.configured()
	for i, e := range conf.Children {
		for k, nv := range e.Children {
			if nv.Name == "nvpair" && nv.Get("name") == name {
				c := own(e)
				c.Children[k] = nv.WithAttr("value", value)
				conf.Children[i] = c
				return
			}
		}
	}
	const id = "cib-bootstrap-options"
	nv := cib.New("nvpair", "id", id+"-"+name, "name", name, "value", value)
	for i, e := range conf.Children {
		if e.ID() == id {
			conf.Children[i] = e.WithChild(nv)
			return
		}
	}
	conf.Children = append(conf.Children, cib.New("cluster_property_set", "id", id).WithChild(nv))
}

// nodeID returns the id of a configured node.
func (j *injector) nodeID(name string) (string, bool) {
	for _, n := range j.status.root.Path("configuration", "nodes").All("node") {
		if n.Get("uname") == name || n.ID() == name && n.Get("uname") == "" {
			return n.ID(), true
		}
	}
	return "", false
}

// node returns the state of a node; create adds an unknown node.
func (j *injector) node(name string, create bool) (*nodeState, error) {
	id, ok := j.nodeID(name)
	if !ok && j.status.nodes[name] != nil {
		return j.status.nodes[name], nil
	}
	if !ok {
		if !create {
			return nil, fmt.Errorf("node %s: %w", name, ErrUnknown)
		}
		id = name
		s := j.status
		nodes := s.child(s.child(s.root, "configuration"), "nodes")
		for _, n := range nodes.All("node") {
			if n.ID() == id {
				return nil, fmt.Errorf("node %s: another node, %s, has this id: %w", name, n.Get("uname"), ErrUnknown)
			}
		}
		nodes.Children = append(nodes.Children, cib.New("node", "id", id, "uname", name))
		j.configured()
	}
	j.status.changes++
	return j.status.node(name, id), nil
}

func (j *injector) up(name string) error {
	n, err := j.node(name, true)
	if err != nil {
		return err
	}
	set(n.el, "in_ccm", "true", "crmd", "online", "join", "member", "expected", "member", "crm-debug-origin", origin)
	j.say(Event{Task: "Online", Node: name, Sentence: "Bringing node " + name + " online"})
	return nil
}

func (j *injector) down(name string) error {
	n, err := j.node(name, false)
	if err != nil {
		return err
	}
	down(n.el, origin)
	n.forget("lrm", "transient_attributes")
	j.status.changes += 2
	j.say(Event{Task: "Offline", Node: name, Sentence: "Taking node " + name + " offline"})
	return nil
}

func (j *injector) fail(name string) error {
	n, err := j.node(name, false)
	if err != nil {
		return err
	}
	set(n.el, "in_ccm", "false", "crmd", "online", "join", "member", "expected", "member", "crm-debug-origin", origin)
	j.say(Event{Task: "Failing", Node: name, Sentence: "Failing node " + name})
	return nil
}

// ticket returns the step that sets an attribute of a ticket.
func (j *injector) ticket(format, action, attr, value string) func(string) error {
	return func(name string) error {
		s := j.status
		tickets := s.child(s.section, "tickets")
		var t *cib.Element
		for i, e := range tickets.Children {
			if e.Name == "ticket_state" && e.ID() == name {
				t = own(e)
				tickets.Children[i] = t
			}
		}
		if t == nil {
			t = cib.New("ticket_state", "id", name)
			tickets.Children = append(tickets.Children, t)
		}
		set(t, attr, value)
		s.changes++
		j.say(Event{Task: action, Name: name, Sentence: fmt.Sprintf(format, name)})
		return nil
	}
}

// op puts the result of an operation into a history.
func (j *injector) op(o OpSpec) error {
	j.events = append(j.events, Event{Kind: Injected, Task: o.Text})
	class, provider, typ, err := j.agent(o.Resource)
	if err != nil {
		return fmt.Errorf("operation %s: %w", o.Text, err)
	}
	n, err := j.node(o.Node, true)
	if err != nil {
		return fmt.Errorf("operation %s: %w", o.Text, err)
	}
	r := record{rsc: o.Resource, task: o.Task, interval: o.Interval, rc: o.RC, notify: [2]string{"pre", o.Task}}
	if o.RC != 0 {
		r.reason = "Simulated action result"
		if o.RC != notRunning || o.Interval > 0 {
			j.events = append(j.events, j.status.countFailure(n, o.Resource, o.Task, o.Interval, j.now)...)
		}
	}
	r.write(j.status.entry(n, o.Resource, class, provider, typ), j.now)
	return nil
}

// agent returns what a primitive, or an instance of one, runs. A primitive in a
// clone is known by its plain name only where some history calls it so.
func (j *injector) agent(name string) (class, provider, typ string, err error) {
	if p, cloned := j.find(name); p != nil && !(cloned && !j.named(name)) {
		return j.run(p)
	} else if p != nil {
		return "", "", "", fmt.Errorf("primitive %s: %w: it is cloned, so name an instance, such as %s:0", name, ErrUnknown, name)
	}
	if i := strings.LastIndexByte(name, ':'); i > 0 {
		if _, err := strconv.Atoi(name[i+1:]); err == nil {
			if p, cloned := j.find(name[:i]); p != nil && cloned {
				return j.run(p)
			}
		}
	}
	return "", "", "", fmt.Errorf("primitive %s: %w", name, ErrUnknown)
}

// find returns a configured primitive and whether it is in a clone.
func (j *injector) find(id string) (found *cib.Element, cloned bool) {
	var walk func(e *cib.Element, in bool)
	walk = func(e *cib.Element, in bool) {
		for _, c := range e.Children {
			if c.Name == "primitive" && c.ID() == id {
				found, cloned = c, in
			}
			walk(c, in || c.Name == "clone" || c.Name == "master")
		}
	}
	if r := j.status.root.Path("configuration", "resources"); r != nil {
		walk(r, false)
	}
	return found, cloned
}

// named reports whether a history names the resource.
func (j *injector) named(id string) bool {
	for _, n := range j.status.nodes {
		for _, r := range n.el.Path("lrm", "lrm_resources").All("lrm_resource") {
			if r.ID() == id {
				return true
			}
		}
	}
	return false
}

// run returns the agent of a primitive, or of its template.
func (j *injector) run(p *cib.Element) (class, provider, typ string, err error) {
	if t := p.Get("template"); t != "" && p.Get("type") == "" {
		for _, e := range j.status.root.Path("configuration", "resources").All("template") {
			if e.ID() == t {
				p = e
			}
		}
	}
	return p.Get("class"), p.Get("provider"), p.Get("type"), nil
}
