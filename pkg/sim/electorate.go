package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/quorate/quorate/ccm/agree"
)

// voterPrefix tells a change of the electorate from an encoded change of the
// configuration, as package daemon does.
var voterPrefix = []byte("voter:")

func encodeVoter(c agree.VoterChange) []byte {
	b, err := json.Marshal(c)
	if err != nil {
		panic(err) // only strings and numbers
	}
	return append(bytes.Clone(voterPrefix), b...)
}

func decodeVoter(op []byte) (c agree.VoterChange, ok bool) {
	text, ok := bytes.CutPrefix(op, voterPrefix)
	return c, ok && json.Unmarshal(text, &c) == nil
}

// shutdown is a planned stop of the daemon.
func (d *daemon) shutdown() {
	d.asked = true
	if d.ctl == nil {
		d.ending = true
		d.leave()
		return
	}
	d.owner(func() { d.ctl.Shutdown(d.now()) })
}

// electorate does what the administrator does with hb_addnode and hb_delnode.
func (s *sim) electorate(e *Step, n *node) bool {
	s.checks.excuse("", 0)
	switch e.Verb {
	case "votes":
		return !n.out && s.askVoter(agree.VoterChange{Name: n.name, Weight: int(e.Amount), Arbiter: n.arbiter}, nil)
	case "add":
		if !n.out {
			return false
		}
		return s.askVoter(agree.VoterChange{Name: n.name, Weight: agree.DefaultWeight}, func(ok bool) {
			if ok && n.out {
				n.join()
			}
		})
	}
	if n.out || n.d == nil || n.d.ending || n.frozen > s.now || n.hung > s.now || s.present() < 3 {
		return false
	}
	n.absent = true
	n.d.shutdown()
	s.removeWhenGone(n, 0)
	return true
}

// removeWhenGone asks for the removal of a node that was stopped, again and
// again; in the end it is started again.
func (s *sim) removeWhenGone(n *node, tries int) {
	s.at(int64(s.timing.Deadtime), func() {
		switch {
		case s.quiet || n.out:
			return
		case tries > 20:
			n.absent = false
			n.boot()
			if n.d == nil {
				n.startDaemon()
			}
			return
		case n.d != nil || !s.askVoter(agree.VoterChange{Name: n.name, Remove: true}, func(ok bool) {
			if ok {
				n.out = true
				n.kill("was removed while it came back: the daemon is stopped")
			}
		}):
		}
		s.removeWhenGone(n, tries+1)
	})
}

// reconcile is what the administrator does about changes of the electorate whose
// outcome was not known: he looks, and starts what votes and stops what does not.
func (s *sim) reconcile() {
	var best agree.Inspection
	for _, n := range s.nodes {
		if n.d == nil {
			continue
		}
		if x := n.d.m.Inspect(); !x.Diverged && best.Stamped.Less(x.Stamped) {
			best = x
		}
	}
	if best.Stamped.IsZero() {
		return
	}
	for _, n := range s.nodes {
		_, votes := best.Voters[n.name]
		switch {
		case n.out && votes:
			n.out = false
			n.list(best.Voters)
			s.tell(n, "votes, and is started")
			n.boot()
			if n.d == nil {
				n.startDaemon()
			}
		case !n.out && !votes:
			n.out = true
			n.kill("was removed: the daemon is stopped")
		}
	}
}

// join starts a node with an ha.cf that names the present voters.
func (n *node) join() {
	from := n.s.anyDaemon()
	if from == nil {
		return
	}
	n.out = false
	n.list(from.d.m.Inspect().Voters)
	n.s.tell(n, "is added: its ha.cf names %v", n.hacf)
	n.boot()
	if n.d == nil {
		n.startDaemon()
	}
}

// list writes an ha.cf that names these voters and this node.
func (n *node) list(v agree.Voters) {
	n.hacf, n.votes = v.Names(), map[string]int{}
	for name, x := range v {
		n.votes[name] = x.Weight
	}
	if !slices.Contains(n.hacf, n.name) {
		n.hacf = append(n.hacf, n.name)
	}
}

// askVoter asks a member for a change of the electorate.
func (s *sim) askVoter(c agree.VoterChange, done func(ok bool)) bool {
	n := s.anyDaemon()
	if n == nil || n.d.ctl == nil {
		return false
	}
	d := n.d
	d.editNo++
	id := fmt.Sprintf("voter-%s-%d-%d", n.name, d.inc, d.editNo)
	d.owner(func() {
		d.edits.EditWithin(d.now(), 30*time.Second+2*s.timing.Takeover, id, encodeVoter(c), func(code int, text string) {
			s.tell(n, "the change of the electorate, %s, ends with %d %s", c.Name, code, text)
			if done != nil {
				done(code == 0)
			}
		})
	})
	return true
}
