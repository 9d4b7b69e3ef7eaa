package oraclefuzz

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quorate/quorate/cib"
)

// oracleFor returns Debian's crm_simulate, or skips the test.
func oracleFor(t *testing.T) *Command {
	t.Helper()
	p, err := exec.LookPath("crm_simulate")
	if err != nil {
		t.Skip("SKIPPED: there is no crm_simulate here; Debian's package pacemaker-cli-utils has it")
	}
	return &Command{Args: []string{p}, Dir: t.TempDir()}
}

// lame is an engine that forgets every stop on one node.
type lame struct{ Engine }

func (l lame) Run(root *cib.Element, what What) *Outcome {
	o := l.Engine.Run(root, what)
	if o.Graph != nil {
		for n := range o.Graph.Actions {
			if strings.Contains(n, "_stop_0 on node1") {
				delete(o.Graph.Actions, n)
			}
		}
		var left []string
		for _, n := range o.Graph.ordered {
			if a := o.Graph.Actions[n]; a != nil {
				left = append(left, n)
				var in []string
				for _, i := range a.Inputs {
					if o.Graph.Actions[i] != nil {
						in = append(in, i)
					}
				}
				a.Inputs = in
			}
		}
		o.Graph.ordered = left
	}
	return o
}

func TestOracleAcceptsAndActs(t *testing.T) {
	o := oracleFor(t)
	const n = 120
	acting, refused := 0, 0
	for seed := range uint64(n) {
		root, err := Generate(seed)
		if err != nil {
			t.Fatal(err)
		}
		out := o.Run(root, WantGraph)
		switch {
		case out.Err != nil:
			refused++
			t.Logf("seed %d: %v", seed, out.Err)
		case len(out.Graph.Actions) > 0:
			acting++
		}
	}
	t.Logf("%d documents: %d with actions, %d refused", n, acting, refused)
	if acting < n*80/100 {
		t.Errorf("only %d of %d graphs are not empty", acting, n)
	}
	if refused > n*3/100 {
		t.Errorf("the oracle fails on %d of %d documents", refused, n)
	}
}

func TestSchema(t *testing.T) {
	const schema = "/usr/share/pacemaker/pacemaker-3.9.rng"
	if _, err := os.Stat(schema); err != nil {
		t.Skip("SKIPPED: the schema of Debian's package pacemaker-common is not here: ", err)
	}
	lint, err := exec.LookPath("xmllint")
	if err != nil {
		t.Skip("SKIPPED: there is no xmllint here; Debian's package libxml2-utils has it")
	}
	dir := t.TempDir()
	args := []string{"--noout", "--relaxng", schema}
	for seed := range uint64(80) {
		root, err := Generate(seed)
		if err != nil {
			t.Fatal(err)
		}
		f := filepath.Join(dir, t.Name()+string(rune('A'+seed%26))+strings.Repeat("x", int(seed/26))+".xml")
		if err := os.WriteFile(f, cib.Print(root), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, f)
	}
	if out, err := exec.Command(lint, args...).CombinedOutput(); err != nil {
		var bad []string
		for l := range strings.Lines(string(out)) {
			if !strings.HasSuffix(strings.TrimSpace(l), " validates") {
				bad = append(bad, l)
			}
		}
		t.Fatalf("not valid: %s", strings.Join(bad, ""))
	}
}

// TestCampaign finds and minimises a planted difference.
func TestCampaign(t *testing.T) {
	oracleFor(t)
	keep := t.TempDir()
	c := Campaign{
		First: 1, N: 12, Jobs: 1, Keep: keep, MinimiseLimit: 150,
		Oracle: func(dir string) Engine { return &Command{Args: []string{"crm_simulate"}, Dir: dir} },
		Ours:   func(dir string) Engine { return lame{&Command{Args: []string{"crm_simulate"}, Dir: dir}} },
	}
	res, err := c.Run()
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Findings) == 0 {
		t.Fatal("an engine that forgets stops passes 12 documents")
	}
	for _, f := range res.Findings {
		if f.Differences[0].Kind != "actions" || !strings.Contains(f.Signature(), "-stop") {
			t.Errorf("seed %d: %s", f.Seed, Report(f.Differences, 5))
		}
		if _, err := os.Stat(filepath.Join(keep, "1.xml")); f.Seed == 1 && err != nil {
			t.Error(err)
		}
	}
	f := res.Findings[0]
	if f.Small == nil || len(f.SmallDifferences) == 0 {
		t.Fatalf("seed %d is not minimised", f.Seed)
	}
	root, _ := Generate(f.Seed)
	t.Logf("seed %d: %d elements become %d\n%s", f.Seed, Size(root), Size(f.Small), cib.Print(f.Small))
	if Size(f.Small)*2 > Size(root) {
		t.Errorf("seed %d: %d elements become only %d", f.Seed, Size(root), Size(f.Small))
	}
}

func TestMinimise(t *testing.T) {
	root, err := Generate(3)
	if err != nil {
		t.Fatal(err)
	}
	// The difference needs one node and one nvpair.
	keep := func(r *cib.Element) bool {
		v := view{root: r}
		v.index()
		return len(v.conf["node"]) > 0 && len(v.conf["nvpair"]) > 0
	}
	small, tests := Minimise(root, 10000, keep)
	if !keep(small) {
		t.Fatal("the minimised document does not show the difference any more")
	}
	v := view{root: small}
	v.index()
	if len(v.conf["node"]) != 1 || len(v.conf["nvpair"]) != 1 || len(v.status["node_state"]) > 1 {
		t.Errorf("left after %d tests:\n%s", tests, cib.Print(small))
	}
	if _, n := Minimise(root, 7, keep); n > 7 {
		t.Errorf("%d tests in spite of the limit 7", n)
	}
}

func TestCached(t *testing.T) {
	o := oracleFor(t)
	c := &Cached{Command: o, Dir: t.TempDir()}
	for seed := uint64(1); seed < 4; seed++ {
		root, _ := Generate(seed)
		what := WantGraph | WantSummary
		first := c.Run(root, what)
		if first.Err != nil {
			t.Fatalf("seed %d: %v", seed, first.Err)
		}
		c.Command = &Command{Args: []string{"/bin/false"}, Dir: o.Dir}
		again := c.Run(root, what)
		c.Command = o
		if again.Err != nil || len(Compare(first, again)) > 0 {
			t.Errorf("seed %d: the remembered outcome differs: %v %s", seed, again.Err, Report(Compare(first, again), 5))
		}
	}
}

func TestCommandFails(t *testing.T) {
	root, _ := Generate(1)
	c := &Command{Args: []string{"/bin/false"}, Dir: t.TempDir()}
	if o := c.Run(root, WantGraph); o.Err == nil {
		t.Error("a failing command is no error")
	}
	c = &Command{Call: func([]string, io.Writer, io.Writer) int { panic("oh") }, Dir: t.TempDir()}
	if o := c.Run(root, WantSummary); o.Err == nil || !strings.Contains(o.Err.Error(), "panic: oh") {
		t.Errorf("a panic gives the error %v", o.Err)
	}
	c = &Command{Args: []string{"/bin/true"}, Dir: t.TempDir()}
	if o := c.Run(root, WantGraph); o.Err == nil {
		t.Error("a command that writes no graph is no error")
	}
}
