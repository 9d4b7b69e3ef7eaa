package v1

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/lrm"
	"github.com/quorate/quorate/pengine"
	"github.com/quorate/quorate/pkg/hacf"
	"github.com/quorate/quorate/pkg/haresources"
	"github.com/quorate/quorate/pkg/seedrow"
)

const lines = "a 10.0.0.1 web\nb 10.0.0.2\n"

func plan(t *testing.T, text string, failback hacf.Failback, manual bool) *Plan {
	t.Helper()
	groups, _, err := haresources.Parse(strings.NewReader(text), "haresources")
	if err != nil {
		t.Fatal(err)
	}
	return NewPlan(groups, &hacf.Config{Nodes: []string{"a", "b"}, AutoFailback: failback, ManualTakeover: manual})
}

// node is a machine with what it wants.
type node struct {
	*Machine
	now  time.Time
	said []string
	sent []Send
	set  map[string]bool
}

func newNode(t *testing.T, p *Plan, ipfail bool) *node {
	n := &node{now: time.Unix(1e9, 0), set: map[string]bool{}}
	n.Machine = New(n.now, Config{Self: "a", Plan: p, Keepalive: time.Second, Deadtime: 10 * time.Second, Initdead: 2 * time.Minute, Nodes: []string{"a", "b"}, Ipfail: ipfail,
		Script: func(name string) string { return "/etc/ha.d/resource.d/" + name }})
	n.take()
	return n
}

// take carries the effects out.
func (n *node) take() {
	for _, e := range n.Effects() {
		switch e := e.(type) {
		case Log:
			n.said = append(n.said, e.Text)
		case Send:
			n.sent = append(n.sent, e)
		case SetAttribute:
			n.set[e.Name] = !e.Delete
		}
	}
}

func (n *node) view(names ...string) {
	v := ccm.View{Instance: ccm.Instance{Number: uint64(len(n.said) + 1), Proposer: "a"}, Quorum: true, DC: "a", Event: "OC_EV_MS_NEW_MEMBERSHIP"}
	for _, name := range names {
		v.Members = append(v.Members, ccm.Member{Name: name, Incarnation: 1})
	}
	n.View(n.now, v)
	n.take()
}

// runs executes operations here, such as "start web_10_0_0_1".
func (n *node) runs(ops ...string) {
	for _, text := range ops {
		name, rsc, _ := strings.Cut(text, " ")
		op := lrm.Op{Resource: rsc, Name: name}
		n.Executing(n.now, &op)
		n.take()
		n.Result(n.now, &lrm.Result{Op: op})
		n.take()
	}
}

// hears takes a message of b.
func (n *node) hears(t *testing.T, msg message) {
	t.Helper()
	if err := n.Message(n.now, "b", Send{msg: msg}.Payload()); err != nil {
		t.Fatal(err)
	}
	n.take()
}

// inOrder looks for lines of the log that follow one another.
func (n *node) inOrder(t *testing.T, want ...string) {
	t.Helper()
	k := 0
	for _, s := range n.said {
		if k < len(want) && strings.Contains(s, want[k]) {
			k++
		}
	}
	if k < len(want) {
		t.Errorf("no %q at its place in\n%s", want[k], strings.Join(n.said, "\n"))
	}
}

// TestTakeover: what is said when a node is taken over.
func TestTakeover(t *testing.T) {
	n := newNode(t, plan(t, lines, hacf.FailbackOn, false), false)
	n.view("a", "b")
	n.hears(t, message{Kind: msgResource, Held: []string{"IPaddr_10_0_0_2"}, Stable: true, Digest: n.cfg.Plan.Digest, Pings: -1})
	n.runs("start IPaddr_10_0_0_1", "start web_10_0_0_1")
	if got := n.Holding(); got != "local" {
		t.Errorf("holding %s", got)
	}
	n.view("a")
	n.runs("start IPaddr_10_0_0_2")
	n.inOrder(t, "remote resource transition completed.", "Acquiring resource group: a 10.0.0.1 web", "Initial resource acquisition complete", "Resources being acquired from b.",
		"Taking over resource group 10.0.0.2", "Acquiring resource group: b 10.0.0.2", "mach_down takeover complete for node b.")
	if got := n.Holding(); got != "all" {
		t.Errorf("holding %s", got)
	}
	// b is back: its line goes there.
	n.view("a", "b")
	n.said = nil
	n.hears(t, message{Kind: msgResource, Stable: true, Digest: n.cfg.Plan.Digest, Pings: -1})
	n.runs("stop IPaddr_10_0_0_2")
	n.hears(t, message{Kind: msgResource, Held: []string{"IPaddr_10_0_0_2"}, Stable: true, Digest: n.cfg.Plan.Digest, Pings: -1})
	n.inOrder(t, "remote resource transition completed.", "a wants to go standby [foreign]", "standby: b can take our foreign resources", "give up foreign HA resources (standby).",
		"Releasing resource group: b 10.0.0.2", "foreign HA resource release completed (standby).", "Local standby process completed [foreign].", "Other node completed standby takeover of foreign resources.")
}

// TestStandby: lines are given only to a node that answers, by attributes.
func TestStandby(t *testing.T) {
	n := newNode(t, plan(t, lines, hacf.FailbackOff, false), false)
	n.view("a")
	n.runs("start IPaddr_10_0_0_1", "start web_10_0_0_1")
	if s := n.Standby(n.now, "all"); !strings.Contains(s, "No reply to standby request") {
		t.Errorf("alone: %q", s)
	}
	n.view("a", "b")
	n.sent = nil
	if s := n.Standby(n.now, "local"); s != "" {
		t.Fatal(s)
	}
	n.take()
	if len(n.sent) != 1 || n.sent[0].msg.Kind != msgAsk || fmt.Sprint(n.sent[0].msg.Lines) != "[group_10_0_0_1]" || n.set["standby-group_10_0_0_1"] {
		t.Errorf("%+v %v", n.sent, n.set)
	}
	if s := n.Standby(n.now, "all"); !strings.Contains(s, "Standby in progress") {
		t.Errorf("twice: %q", s)
	}
	n.hears(t, message{Kind: msgReady})
	if !n.set["standby-group_10_0_0_1"] {
		t.Error("no attribute was set")
	}
	n.runs("stop web_10_0_0_1", "stop IPaddr_10_0_0_1")
	n.hears(t, message{Kind: msgResource, Held: []string{"group_10_0_0_1"}, Stable: true, Digest: n.cfg.Plan.Digest})
	n.inOrder(t, "a wants to go standby [local]", "standby: b can take our local resources", "give up local", "Local standby process completed [local].", "Other node completed standby takeover of local resources.")
	// What comes back is this node's again.
	n.runs("start IPaddr_10_0_0_1", "start web_10_0_0_1")
	if n.set["standby-group_10_0_0_1"] {
		t.Error("the attribute stays although the line is here")
	}
	if s := newNode(t, plan(t, lines, hacf.FailbackLegacy, false), false).Standby(n.now, "all"); !strings.Contains(s, "Standby mode only implemented when nice_failback on") {
		t.Errorf("legacy: %q", s)
	}
	if s := n.Standby(n.now, "some"); s == "" {
		t.Error("a scope that is none was taken")
	}
}

// TestIpfail: fewer ping nodes than the other side give everything up, after a
// delay that a balance ends.
func TestIpfail(t *testing.T) {
	seedrow.Shows(t, "002-017")
	n := newNode(t, plan(t, lines, hacf.FailbackOn, false), true)
	n.view("a", "b")
	n.runs("start IPaddr_10_0_0_1", "start web_10_0_0_1")
	pings := func(own string, other int) {
		n.Peers(n.now, []ccm.PeerStatus{{Name: "r", Type: "ping", Status: own}, {Name: "b", Type: "normal", Status: "active"}})
		n.take()
		n.hears(t, message{Kind: msgResource, Stable: true, Digest: n.cfg.Plan.Digest, Pings: other})
	}
	pings("ping", 1)
	pings("dead", 1)
	n.inOrder(t, "Ping node count is balanced.", "NS: We are dead. :<", "Giving up because we have less visible ping nodes.", "Delayed giveup in 2 seconds.")
	pings("dead", 0) // the router itself has died
	n.inOrder(t, "Delayed giveup", "Aborted delayed giveup")
	n.now = n.now.Add(10 * time.Second)
	n.Tick(n.now)
	n.take()
	if strings.Contains(strings.Join(n.said, "\n"), "giveup() called") {
		t.Error("given up although balanced")
	}
	pings("dead", 1)
	n.now = n.now.Add(3 * time.Second)
	n.Tick(n.now)
	n.take()
	n.inOrder(t, "giveup() called (timeout worked)", "a wants to go standby [all]")
}

// TestPingAlone: without ipfail a ping node moves nothing.
func TestPingAlone(t *testing.T) {
	seedrow.Shows(t, "004-020")
	n := newNode(t, plan(t, lines, hacf.FailbackOn, false), false)
	n.view("a", "b")
	n.runs("start IPaddr_10_0_0_1", "start web_10_0_0_1")
	for _, own := range []string{"ping", "dead"} {
		n.Peers(n.now, []ccm.PeerStatus{{Name: "r", Type: "ping", Status: own}})
		n.hears(t, message{Kind: msgResource, Stable: true, Digest: n.cfg.Plan.Digest, Pings: 1})
		n.now = n.now.Add(time.Minute)
		n.Tick(n.now)
		n.take()
	}
	if all := strings.Join(n.said, "\n"); strings.Contains(all, "standby") || strings.Contains(all, "giveup") || len(n.set) > 0 {
		t.Errorf("%v\n%s", n.set, all)
	}
}

// TestScripts: one that is nowhere is named, and what one prints is passed on.
func TestScripts(t *testing.T) {
	seedrow.Shows(t, "002-071")
	n := newNode(t, plan(t, lines, hacf.FailbackOn, false), false)
	n.view("a")
	op := lrm.Op{Resource: "web_10_0_0_1", Name: "monitor"}
	n.Result(n.now, &lrm.Result{Op: op, RC: lrm.ErrInstalled, Status: lrm.Done})
	op.Name = "start"
	n.Executing(n.now, &op)
	n.Result(n.now, &lrm.Result{Op: op, Output: "Starting web\n\nready\n", Status: lrm.Done})
	n.take()
	n.inOrder(t, "Cannot locate resource script web", "/etc/ha.d/resource.d/web: Starting web", "/etc/ha.d/resource.d/web: ready")
}

// TestManual: a lost node's lines raise the alarm, and hb_takeover takes them.
func TestManual(t *testing.T) {
	n := newNode(t, plan(t, lines, hacf.FailbackOff, true), false)
	if !n.set["take-group_10_0_0_1"] || n.set["take-IPaddr_10_0_0_2"] {
		t.Errorf("at the start: %v", n.set)
	}
	n.view("a", "b")
	n.hears(t, message{Kind: msgResource, Held: []string{"IPaddr_10_0_0_2"}, Stable: true, Digest: n.cfg.Plan.Digest})
	n.view("a")
	n.inOrder(t, "ALARM: node b is gone and takeover is manual: resource group 10.0.0.2 runs nowhere.")
	if len(n.Problems()) != 1 || n.set["take-IPaddr_10_0_0_2"] {
		t.Errorf("%q %v", n.Problems(), n.set)
	}
	if s := n.Takeover(n.now, "all"); s != "" {
		t.Fatal(s)
	}
	n.take()
	if !n.set["take-IPaddr_10_0_0_2"] {
		t.Error("hb_takeover does not take it")
	}
	n.runs("start IPaddr_10_0_0_2")
	if len(n.Problems()) != 0 {
		t.Errorf("%q", n.Problems())
	}
}

// TestInitdeadIsExplained: a node that is alone says what it waits for.
func TestInitdeadIsExplained(t *testing.T) {
	seedrow.Shows(t, "004-042")
	n := newNode(t, plan(t, lines, hacf.FailbackOn, false), false)
	for range 5 {
		n.now = n.now.Add(10 * time.Second)
		n.Tick(n.now)
		n.take()
	}
	want := fmt.Sprintf("Nothing is heard of b yet: resources are acquired when it is, or at %s, when initdead (2m0s in ha.cf) is over", time.Unix(1e9, 0).Add(2*time.Minute).Format("15:04:05"))
	if len(n.said) != 1 || n.said[0] != want {
		t.Errorf("%q, want %q once", n.said, want)
	}
}

// TestPlan: the plan is a configuration that the engine takes without a remark, and that
// keeps what others wrote of nodes; another file is another plan.
func TestPlan(t *testing.T) {
	for _, manual := range []bool{false, true} {
		p := plan(t, lines, hacf.FailbackOff, manual)
		root := cib.Empty("pacemaker-3.9")
		conf := root.First("configuration")
		root = root.WithReplaced(conf, conf.WithReplaced(conf.First("nodes"), cib.New("nodes").WithChild(cib.New("node", "id", "1", "uname", "a"))))
		got := p.Apply(root)
		if p.Holds(root) || !p.Holds(got) || len(got.Path("configuration", "nodes").All("node")) != 1 {
			t.Errorf("manual %t:\n%s", manual, cib.Print(got))
		}
		for _, problem := range cib.Check(got) {
			t.Errorf("manual %t: %v", manual, problem)
		}
		res, err := pengine.Schedule(got, time.Now(), pengine.Options{})
		if err != nil || len(res.Errors)+len(res.Warnings) > 0 {
			t.Errorf("manual %t: %v %q %q", manual, err, res.Errors, res.Warnings)
		}
		if again := p.Apply(got); !cib.Equal(again.First("configuration"), got.First("configuration")) {
			t.Error("applying it twice makes another document")
		}
		if plan(t, lines+"a 10.0.0.3\n", hacf.FailbackOff, manual).Holds(got) || plan(t, lines, hacf.FailbackOn, manual).Holds(got) {
			t.Error("another plan holds too")
		}
	}
}

// TestIDsStay: a line that is put above others renames none of them.
func TestIDsStay(t *testing.T) {
	ids := func(p *Plan) map[string]bool {
		out := map[string]bool{}
		for i := range p.Lines {
			out[p.Lines[i].ID] = true
			for _, r := range p.Lines[i].Members {
				if len(p.Lines[i].Members) > 1 && out[r] {
					t.Errorf("%s is there twice", r)
				}
				out[r] = true
			}
		}
		return out
	}
	text := "a 10.0.0.1 httpd mark::left::right\nb IPaddr::10.0.0.2/24/eth0 httpd\nb slapd\n"
	before := ids(plan(t, text, hacf.FailbackOff, false))
	after := ids(plan(t, "b 10.0.0.9 httpd\na mark::five\n"+text, hacf.FailbackOff, false))
	for id := range before {
		if !after[id] {
			t.Errorf("%s is gone: %v", id, after)
		}
	}
	if want := []string{"group_10_0_0_1", "IPaddr_10_0_0_1", "httpd_10_0_0_1", "mark_left_right_10_0_0_1", "slapd"}; len(before) != 8 {
		t.Errorf("%v, want %v among 8", before, want)
	}
	// What is there twice has two names still.
	ids(plan(t, "a 10.0.0.1 mark mark\n", hacf.FailbackOff, false))
}

// TestLegacyFailback: with auto_failback legacy, as with on, a line goes back to the
// node that it names; with off it stays.
func TestLegacyFailback(t *testing.T) {
	seedrow.Shows(t, "001-007")
	for failback, want := range map[hacf.Failback]string{hacf.FailbackLegacy: "b", hacf.FailbackOn: "b", hacf.FailbackOff: "a"} {
		root := plan(t, "b 10.0.0.2\n", failback, false).Apply(cib.Empty("pacemaker-3.9"))
		conf, status := root.First("configuration"), cib.New("status")
		nodes := cib.New("nodes")
		for i, name := range []string{"a", "b"} {
			id := fmt.Sprint(i + 1)
			nodes = nodes.WithChild(cib.New("node", "id", id, "uname", name))
			rc := "7"
			op := []string{"id", "IPaddr_10_0_0_2_last_0", "operation", "monitor"}
			if name == "a" {
				op, rc = []string{"id", "IPaddr_10_0_0_2_last_0", "operation", "start"}, "0"
			}
			op = append(op, "operation_key", "IPaddr_10_0_0_2_"+op[3]+"_0", "call-id", "3", "rc-code", rc, "op-status", "0", "interval", "0",
				"transition-key", "1:1:"+rc+":8f3e2d50-4a44-4b31-a4b8-2f6c0d0f3a11", "transition-magic", "0:"+rc+";1:1:"+rc+":8f3e2d50-4a44-4b31-a4b8-2f6c0d0f3a11")
			status = status.WithChild(cib.New("node_state", "id", id, "uname", name, "in_ccm", "true", "crmd", "online", "join", "member", "expected", "member").WithChild(
				cib.New("lrm", "id", id).WithChild(cib.New("lrm_resources").WithChild(
					cib.New("lrm_resource", "id", "IPaddr_10_0_0_2", "class", "heartbeat", "type", "IPaddr").WithChild(cib.New("lrm_rsc_op", op...))))))
		}
		root = root.WithReplaced(conf, conf.WithReplaced(conf.First("nodes"), nodes)).WithAttr("have-quorum", "1")
		root = root.WithReplaced(root.First("status"), status)
		res, err := pengine.Schedule(root, time.Now(), pengine.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var summary strings.Builder
		res.SummaryText(&summary)
		if moves := strings.Contains(summary.String(), "( a -> b )"); moves != (want == "b") {
			t.Errorf("auto_failback %v: want the line on %s:\n%s", failback, want, summary.String())
		}
	}
}

// TestAccounts: numbers of accounts that differ are told once, unknown ones are not.
func TestAccounts(t *testing.T) {
	seedrow.Shows(t, "004-002")
	n := newNode(t, plan(t, lines, hacf.FailbackOn, false), false)
	n.cfg.Accounts = "hacluster with number 90 and haclient with number 60"
	n.view("a", "b")
	count := func() int {
		return strings.Count(strings.Join(n.said, "\n"), "make the group haclient and the account hacluster with the same numbers on all nodes")
	}
	msg := message{Kind: msgResource, Stable: true, Digest: n.cfg.Plan.Digest}
	for _, accounts := range []string{"", n.cfg.Accounts} {
		msg.Accounts = accounts
		n.hears(t, msg)
	}
	if count() != 0 {
		t.Errorf("%q", n.said)
	}
	msg.Accounts = "hacluster with number 91 and haclient with number 60"
	n.hears(t, msg)
	n.hears(t, msg)
	if count() != 1 {
		t.Errorf("%q", n.said)
	}
}

// TestReplacedInPlace: hb_standby outlives a restart in place, and what is not in
// haresources any more does not.
func TestReplacedInPlace(t *testing.T) {
	p := plan(t, lines, hacf.FailbackOn, true)
	n := newNode(t, p, false)
	n.view("a", "b")
	n.runs("start IPaddr_10_0_0_1", "start web_10_0_0_1")
	n.Standby(n.now, "local")
	n.hears(t, message{Kind: msgReady})
	n.runs("stop web_10_0_0_1", "stop IPaddr_10_0_0_1")
	n.hears(t, message{Kind: msgResource, Held: []string{"group_10_0_0_1"}, Stable: true, Digest: p.Digest})
	if got := fmt.Sprint(n.Attributes()); got != "[standby-group_10_0_0_1]" {
		t.Fatalf("before: %s", got)
	}
	cfg := n.cfg
	cfg.Inherited, cfg.Attributes = true, append(n.Attributes(), "standby-gone")
	again := &node{Machine: New(n.now, cfg), now: n.now, set: map[string]bool{}}
	again.take()
	if len(again.set) != 1 || !again.set["standby-group_10_0_0_1"] {
		t.Errorf("after: %v", again.set)
	}
}
