package sim

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/controller"
	"github.com/quorate/quorate/pkg/member"
)

// apply does what a step says. A step that can not be done now (the crash of a
// node that is down) is skipped: scenarios that have shrunk are full of them.
func (s *sim) apply(e *Step) {
	n, peer := s.byName[e.Node], s.byName[e.Peer]
	if e.Verb != "expect" {
		s.tell(nil, "%s", stepText(e))
	}
	ok := true
	switch e.Verb {
	case "add", "remove", "votes":
		ok = s.electorate(e, n)
	case "crash", "boot", "kill", "freeze", "hang", "stop", "start":
		ok = s.applyNode(e, n)
	case "cut":
		s.during(e, func() {
			s.net.cut(n, peer)
			if !e.OneWay {
				s.net.cut(peer, n)
			}
		}, func() {
			s.net.mend(n, peer)
			if !e.OneWay {
				s.net.mend(peer, n)
			}
		})
	case "isolate":
		each := func(f func(a, b *node)) {
			for _, o := range s.nodes {
				f(n, o)
				f(o, n)
			}
		}
		s.during(e, func() { each(s.net.cut) }, func() { each(s.net.mend) })
	case "mend":
		s.net.mendAll()
	case "loss":
		s.applyLoss(e, n, peer)
	case "duplicate":
		s.during(e, func() { s.net.dup += e.Amount }, func() { s.net.dup = max(0, s.net.dup-e.Amount) })
	case "delay":
		s.during(e, func() { s.net.delay += e.Amount }, func() { s.net.delay = max(0, s.net.delay-e.Amount) })
	case "disk":
		ok = s.applyDisk(e, n)
	case "clock":
		if e.Kind == "drift" {
			n.clk.setRate(s.now, e.Amount)
		} else {
			n.clk.jump += time.Duration(e.Amount)
		}
	case "agent":
		s.checks.excuse(e.Resource, e.lasts())
		n.faults[agentFault{e.Resource, e.Kind, e.Op}] = s.now + int64(e.lasts())
	case "fail":
		i := n.res[e.Resource]
		if ok = i.active && n.frozen <= s.now; ok {
			s.checks.excuse(e.Resource, 0)
			i.set(false)
		}
	case "standby", "online":
		s.checks.excuse("", 0)
		ok = s.operator(n, member.NodeAttribute(n.idInCIB(), "", "standby", "on", e.Verb == "online"))
	case "set":
		s.checks.excuse("", 0)
		ok = s.operator(s.anyDaemon(), option(e.Name, e.Value))
	case "edit":
		s.disks++
		ok = s.operator(n, option("simulated-edit", strconv.Itoa(s.disks)))
	case "cleanup":
		s.checks.excuse(e.Resource, 0)
		ok = s.cleanup(e.Resource)
	case "propose":
		s.checks.excuse("", 0)
		if ok = n.d != nil && !n.d.ending && n.frozen <= s.now && n.hung <= s.now; ok {
			n.d.run(func() { n.d.m.ProposeView(n.local(), strings.Fields(e.Value)) })
		}
	case "expect":
		s.expect(e)
		return
	default:
		s.fail("scenario", "the verb %q is not known", e.Verb)
	}
	if ok {
		s.stats.Faults++
	} else {
		s.stats.Skipped++
		s.logf(nil, "that cannot be done now")
	}
}

// stepText is the step without its time.
func stepText(e *Step) string {
	text := e.String()
	return "* " + text[len("at ")+len(seconds(e.At))+1:]
}

// lasts is how long the step lasts; without a time, to the end of the faults.
func (e *Step) lasts() time.Duration {
	if e.For > 0 {
		return e.For
	}
	return 1 << 61
}

// during begins something and ends it when its time is over. What is repaired
// at the end of the faults is not ended again.
func (s *sim) during(e *Step, begin, end func()) {
	begin()
	if e.For > 0 {
		s.at(int64(e.For), func() {
			if !s.quiet {
				s.tell(nil, "* over: %s", stepText(e)[2:])
				end()
			}
		})
	}
}

func (s *sim) applyNode(e *Step, n *node) bool {
	switch e.Verb {
	case "crash":
		if !n.up {
			return false
		}
		n.crash()
		n.bootAfter(e.For)
	case "boot":
		if n.up || n.out {
			return false
		}
		n.boot()
	case "kill":
		if n.d == nil || n.frozen > s.now {
			return false
		}
		n.kill("the daemon is killed")
		n.startAfter(e.For)
	case "start":
		if !n.up || n.d != nil || n.frozen > s.now || n.out {
			return false
		}
		n.absent = false
		n.startDaemon()
	case "stop":
		if n.d == nil || n.d.ending || n.frozen > s.now || n.hung > s.now {
			return false
		}
		s.checks.excuse("", e.For)
		n.d.shutdown()
		n.startAfter(e.For)
	case "freeze":
		if !n.up {
			return false
		}
		n.freeze(s.before(e.For))
	case "hang":
		if n.d == nil {
			return false
		}
		s.tell(n, "the daemon hangs%s", n.holding())
		n.hung = max(n.hung, s.before(e.For))
	}
	return true
}

// before is the end of something that lasts that long, at the latest the end of
// the faults.
func (s *sim) before(d time.Duration) int64 { return min(s.now+int64(d), int64(s.sc.Length)) }

// bootAfter switches the machine on again; after 0 it stays off.
func (n *node) bootAfter(d time.Duration) {
	if d == 0 {
		n.absent = true
		return
	}
	power := n.power
	n.s.at(int64(d), func() {
		if n.power == power {
			n.boot()
		}
	})
}

// machineAfterCrash is what happens to a machine that crashed by itself.
func (n *node) machineAfterCrash() { n.bootAfter(n.s.timing.Deadtime) }

// startAfter starts the daemon again, or when it has ended where an orderly stop
// takes longer; after 0 it stays down.
func (n *node) startAfter(d time.Duration) {
	if d == 0 {
		n.absent = true
		return
	}
	n.startWhenGone(n.d, int64(d))
}

// startWhenGone starts the daemon after a delay, and not before the life that is
// ending, if any, has ended.
func (n *node) startWhenGone(ending *daemon, delay int64) {
	n.machineAfter(delay, func() {
		switch {
		case n.absent:
		case n.d == nil:
			n.startDaemon()
		case n.d == ending:
			n.startWhenGone(ending, int64(time.Second))
		}
	})
}

func (s *sim) applyLoss(e *Step, n, peer *node) {
	add := func(by int64) {
		switch {
		case n == nil:
			s.net.loss = max(0, s.net.loss+by)
		default:
			p := s.net.path(n, peer)
			p.loss = max(0, p.loss+by)
			if !e.OneWay {
				q := s.net.path(peer, n)
				q.loss = max(0, q.loss+by)
			}
		}
	}
	s.during(e, func() { add(e.Amount) }, func() { add(-e.Amount) })
}

func (s *sim) applyDisk(e *Step, n *node) bool {
	d := &n.disk
	switch e.Kind {
	case "slow":
		s.during(e, func() { d.slow = e.Amount }, func() { d.slow = 0 })
	case "full":
		s.during(e, func() { n.fill(true) }, func() { n.fill(false) })
	case "torn":
		if !n.up {
			return false
		}
		d.torn = int(n.r.between(1, 3))
	case "lost":
		if !n.up || !s.mayLose(n) {
			return false
		}
		n.crash()
		s.tell(n, "its disk is lost")
		s.stats.LostDisks++
		d.lose()
		n.bootAfter(max(e.For, time.Second))
	}
	return true
}

// mayLose reports whether a disk may be lost: a quorum of recorded ones must
// survive, or nothing can be promised. All nodes hold a state and have recorded
// every disk as it is.
func (s *sim) mayLose(x *node) bool {
	if s.checks.unsafe {
		return false
	}
	if len(x.hacf) == 1 {
		return false // by its own ha.cf it would begin a new cluster
	}
	for _, n := range s.nodes {
		if n.out {
			continue
		}
		if n.d == nil || n.disk.st.Stamped.IsZero() || n.disk.full {
			return false
		}
		v := n.d.m.Inspect()
		if v.Diverged {
			return false
		}
		for _, o := range s.nodes {
			if !o.out && v.Voters[o.name].Disk != o.disk.id {
				return false
			}
		}
		if !s.quorum.Has(v.Voters, func(name string) bool { return name != x.name && s.byName[name] != nil && !s.byName[name].out }) {
			return false
		}
	}
	return true
}

// option is the change that sets an option of the cluster.
func option(name, value string) cib.Op {
	return cib.Op{Verb: cib.VerbModify, Scope: "crm_config", AllowCreate: true, Client: "operator",
		XML: cib.New("cluster_property_set", "id", "options").WithChild(cib.New("nvpair", "id", "options-"+name, "name", name, "value", value))}
}

// unset is the change that takes an option away.
func unset(name string) cib.Op {
	return cib.Op{Verb: cib.VerbDelete, Scope: "crm_config", Client: "operator", XML: cib.New("nvpair", "id", "options-"+name, "name", name)}
}

// operator makes a change through a node; its id is new each time.
func (s *sim) operator(n *node, op cib.Op) bool {
	if n == nil || n.d == nil || n.d.ctl == nil || n.frozen > s.now || n.hung > s.now {
		return false
	}
	d := n.d
	d.editNo++
	id := fmt.Sprintf("op-%s-%d-%d", n.name, d.inc, d.editNo)
	change := member.Sign(op, n.clk.wall(s.now), n.name)
	d.owner(func() {
		d.edits.Edit(d.now(), id, change, func(code int, text string) {
			s.logf(n, "the operator's change ends with %d %s", code, text)
			if code == 0 {
				s.checks.acked[changeID(change)] = true
			}
		})
	})
	return true
}

// anyDaemon is the first daemon that answers and has quorum.
func (s *sim) anyDaemon() *node {
	for _, n := range s.nodes {
		if n.d != nil && n.d.ctl != nil && !n.d.ending && n.d.view.Quorum && n.frozen <= s.now && n.hung <= s.now {
			return n
		}
	}
	return nil
}

// cleanup makes the cluster forget what it knows of a resource.
func (s *sim) cleanup(resource string) bool {
	n := s.anyDaemon()
	if n == nil {
		return false
	}
	n.d.owner(func() { n.d.ctl.Cleanup(n.d.now(), resource, "") })
	return true
}

// idInCIB is the node's id as the configuration has it.
func (n *node) idInCIB() string {
	if n.d != nil {
		for _, e := range n.d.config.Path("configuration", "nodes").All("node") {
			if e.Get("uname") == n.name {
				return e.ID()
			}
		}
	}
	return "id-" + n.name
}

// expect checks what a scenario expects.
func (s *sim) expect(e *Step) {
	bad := ""
	switch {
	case e.Name == "whole":
		bad = s.checks.whole()
	case e.Name == "quorum" || e.Name == "no-quorum":
		n := s.byName[e.Node]
		has := n.d != nil && n.d.view.Quorum
		if has != (e.Name == "quorum") {
			bad = fmt.Sprintf("%s has quorum: %v", e.Node, has)
		}
	case e.Name == "dc":
		if n := s.anyDaemon(); n == nil || n.d.view.DC != e.Node {
			bad = "another node is the DC"
			if n == nil {
				bad = "no node is the DC"
			}
		}
	default: // a resource
		owners, _ := s.checks.owners(s.rsc[e.Resource])
		switch {
		case e.Name == "nowhere" && len(owners) > 0:
			bad = fmt.Sprintf("%s is active on %s", e.Resource, nodeNames(owners))
		case e.Name == "somewhere" && len(owners) != 1:
			bad = fmt.Sprintf("%s is active on %d nodes", e.Resource, len(owners))
		case e.Name == "on" && (len(owners) != 1 || owners[0].name != e.Node):
			bad = e.Resource + " is active nowhere"
			if len(owners) > 0 {
				bad = fmt.Sprintf("%s is active on %s", e.Resource, nodeNames(owners))
			}
		}
	}
	if bad != "" {
		s.fail("expect", "line %d expects %q, but %s", e.Line, stepText(e)[2:], bad)
		return
	}
	s.tell(nil, "as expected: %s", stepText(e)[len("* expect "):])
}

// standbyOff is the change that takes a node out of standby.
func standbyOff(n *node) cib.Op {
	return member.NodeAttribute(n.idInCIB(), "", "standby", "off", false)
}

// optionsSet are the options that the scenario changed, with the values they
// had before.
func (sc *Scenario) optionsSet() map[string]string {
	out := map[string]string{}
	for i := range sc.Steps {
		if e := &sc.Steps[i]; e.Verb == "set" {
			out[e.Name] = controller.Option(sc.CIB, e.Name)
		}
	}
	return out
}
