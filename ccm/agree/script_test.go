package agree

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var rewriteFlag = flag.Bool("rewrite", false, "write what the scripts of testdata print now; commit only what you understand")

// TestScripts runs the stories of testdata: commands, then "----", then what
// happened, with milliseconds since the command.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			r := &scriptRun{t: t}
			for block := range strings.SplitSeq(strings.TrimSpace(string(want)), "\n\n") {
				commands, _, _ := strings.Cut(block, "\n----")
				fmt.Fprintf(&got, "%s\n----\n%s\n", strings.TrimSpace(commands), r.block(commands))
			}
			out := strings.TrimSpace(got.String()) + "\n"
			if *rewriteFlag {
				if err := os.WriteFile(f, []byte(out), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if out != string(want) {
				t.Errorf("the story is another one (-rewrite writes it):\n%s", firstDifference(string(want), out))
			}
		})
	}
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			return fmt.Sprintf("line %d\n want: %s\n  got: %s", i+1, w[i], g[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(g), len(w))
}

type scriptRun struct {
	t     *testing.T
	s     *sim
	tells bytes.Buffer
	begin int64
	deaf  map[string]bool
}

// pong is what the ping node does.
func (r *scriptRun) pong() {
	for _, x := range r.s.nodes {
		if x.up && !r.deaf[x.name] {
			x.m.Pinged(x.local(), x.local())
			x.pump()
		}
	}
	r.s.at(60*msec, r.pong)
}

// block runs commands and returns what happened.
func (r *scriptRun) block(commands string) string {
	r.tells.Reset()
	for line := range strings.Lines(commands) {
		line, _, _ = strings.Cut(line, "#")
		if w := strings.Fields(line); len(w) > 0 {
			if r.s != nil {
				r.begin = r.s.now
			}
			r.command(w)
		}
	}
	return r.tells.String()
}

func (r *scriptRun) tell(format string, args ...any) {
	fmt.Fprintf(&r.tells, "%7.1f %s\n", float64(r.s.now-r.begin)/1e6, fmt.Sprintf(format, args...))
}

func (r *scriptRun) command(w []string) {
	t, s := r.t, r.s
	t.Helper()
	if w[0] == "nodes" {
		n, _ := strconv.Atoi(w[1])
		r.s = newSim(1, n, 0, false)
		r.s.manual = true
		for _, x := range r.s.nodes {
			x.ppm = 0
		}
		if len(w) > 2 {
			q, err := NewQuorum(w[2:]...)
			if err != nil {
				t.Fatal(err)
			}
			r.s.quorum = q
			r.s.halves = slices.Contains(w, "twonodes") // I4 does not hold for them
		}
		r.s.listen = r.listen
		return
	}
	arg := func(i int) *simNode {
		if i >= len(w) || w[i][0] < 'a' || int(w[i][0]-'a') >= len(s.nodes) {
			t.Fatalf("%v: no such node", w)
		}
		return s.node(w[i])
	}
	duration := func(i int) int64 {
		d, err := time.ParseDuration(w[i])
		if err != nil {
			t.Fatalf("%v: %v", w, err)
		}
		return int64(d)
	}
	switch w[0] {
	case "run":
		s.run(s.now + duration(1))
	case "cut":
		s.cutBoth(w[1], w[2], true)
	case "oneway":
		s.cut[arg(1).id][arg(2).id] = true
	case "heal":
		s.heal()
	case "crash", "kill":
		x := arg(1)
		x.up = false
		x.bootgen++
	case "boot":
		for i := range w[1:] {
			arg(i + 1).boot(true)
		}
	case "wipe":
		arg(1).disk, arg(1).st = s.newDisk(), Stored{}
	case "freeze":
		arg(1).frozen = s.now + duration(2)
	case "leave":
		arg(1).m.Leave(arg(1).local(), true)
		arg(1).pump()
	case "propose":
		x := arg(1)
		id, _ := strconv.ParseUint(w[2], 10, 64)
		x.m.Propose(x.local(), id, "req-"+w[2], binary.BigEndian.AppendUint64(nil, id))
		x.pump()
	case "certify":
		arg(1).m.Certify(arg(1).local(), 1, arg(1).m.inst)
		arg(1).pump()
	case "maystart":
		r.tell("%s may start: %v", w[1], arg(1).m.MayStart(arg(1).local(), arg(1).m.inst))
	case "list": // what ha.cf of a node names
		if s.lists == nil {
			s.lists = map[string][]string{}
			for _, x := range s.nodes {
				for _, y := range s.nodes {
					s.lists[x.name] = append(s.lists[x.name], y.name)
				}
			}
		}
		s.lists[w[1]] = w[2:]
	case "arbiters":
		s.arbiters = w[1:]
	case "autojoin":
		s.autojoin = true
	case "weight":
		if s.weights == nil {
			s.weights = map[string]int{}
		}
		s.weights[w[1]], _ = strconv.Atoi(w[2])
	case "ping": // all nodes ask a ping node; it answers those that are not "deaf"
		s.ping = true
		r.deaf = map[string]bool{}
		s.at(10*msec, r.pong)
	case "deaf":
		r.deaf[w[1]] = !r.deaf[w[1]]
	case "shun":
		arg(1).m.Shun(arg(1).local(), w[2], duration(3))
		arg(1).pump()
	case "addnode", "delnode":
		x := arg(1)
		c := VoterChange{Name: w[2], Weight: DefaultWeight, Remove: w[0] == "delnode"}
		if len(w) > 3 {
			c.Weight, _ = strconv.Atoi(w[3])
		}
		x.m.ChangeVoter(x.local(), 1, "", c)
		x.pump()
	case "electorate":
		for _, e := range arg(1).m.Electorate() {
			r.tell("%s: %s has %d votes, counts: %v %s", w[1], e.Name, e.Votes, e.Counts, e.Why)
		}
	case "conflicts":
		for _, x := range s.nodes {
			for _, c := range x.conflicts {
				r.tell("%s keeps the state of %v after change %d, with %d edits: %v", x.name, c.Stamped, c.Seq, c.Edits, c.App)
			}
		}
	case "state":
		for _, x := range s.nodes {
			if x.up {
				r.tell("%s holds %v, stamp %v", x.name, x.app.ids, x.m.stamped)
			}
		}
	default:
		t.Fatalf("no such command: %v", w)
	}
	if s.viol != "" {
		t.Fatal(s.viol)
	}
}

// listen tells what a node's machine tells.
func (r *scriptRun) listen(n *simNode, e Event) {
	switch e := e.(type) {
	case ViewEvent:
		var names []string
		for _, x := range e.View.Members {
			names = append(names, fmt.Sprintf("%s(%d)", x.Name, x.BornOn))
		}
		r.tell("%s: %s %v [%s] lost %v: %s", n.name, strings.TrimPrefix(e.View.Event, "OC_EV_MS_"), e.View.Ballot, strings.Join(names, " "), e.View.Lost, e.View.Reason)
	case OpenedEvent:
		r.tell("%s: opens %v after change %d", n.name, e.Ballot, e.Seq)
	case CommittedEvent:
		r.tell("%s: committed up to %d", n.name, e.Seq)
	case ProposalEvent:
		r.tell("%s: proposal %d: %d %v", n.name, e.Token, e.Seq, e.Err)
	case CheckEvent:
		r.tell("%s: expired %v %v", n.name, e.Expired, e.Err)
	case LeaseEvent:
		r.tell("%s: lease valid %v", n.name, e.Lease.Valid)
	case PeerEvent:
		if !e.Alive {
			r.tell("%s: %s is dead: %s", n.name, e.Name, e.Reason)
		}
	case NoteEvent:
		r.tell("%s: %s", n.name, e.Text)
	}
}
