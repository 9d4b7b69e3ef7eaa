package oraclefuzz

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/cli/simulate"
)

// foundRules are rules that random documents have shown. testdata holds for
// each of them the smallest document that shows it, and what Debian's
// crm_simulate makes of that at the time Now: the graph and the text of -S.
// With RECORD=1 in the environment the latter two are written anew.
var foundRules = []struct{ name, rule string }{
	{"digest-expired", "a failure that has expired forces its recurring operation to run again, so that a role which does not fit cancels it"},
	{"digest-same-key", "whether a restart is forced follows from the first operation of a key: a void failure after a success forces none"},
	{"digest-empty-list", "an empty list of parameters that force a restart is a list: none of them does"},
	{"cancel-in-flight", "the cancel of an operation whose result is not known is no monitor to the rules for operations"},
	{"cloned-group-role", "a colocation of a cloned group changes the score of the group's promotion, not the priority of its members"},
	{"numbered-agent-changed", "an instance is named by its id too in the history whose agent has changed"},
	{"stop-unexpected-role", "stop_unexpected spares a resource only where it gets its role back"},
	{"migrate-clone", "an instance of a clone migrates"},
	{"exclusive-rule-false", "resource-discovery exclusive keeps a resource away even if the rule is true of no node"},
	{"ping-node-fenced", "a ping node is offline, shown, and fenced for what its history says runs there"},
	{"migrated-undeclared", "the history of a node that is not configured tells how a migration ended"},
	{"active-unclean", "what does not require fencing is not active twice, and so not blocked, where a node is unclean"},
	{"migrated-then-pending", "an operation under way on its target does not make a migration out of date"},
}

func TestFoundRules(t *testing.T) {
	local := time.Local
	time.Local = time.UTC // as the oracle is run
	defer func() { time.Local = local }()
	ours := &Command{Dir: t.TempDir(), Call: func(args []string, stdout, stderr io.Writer) int {
		return simulate.Run(&cli.Env{Stdin: strings.NewReader(""), Stdout: stdout, Stderr: stderr}, args)
	}}
	for _, c := range foundRules {
		t.Run(c.name, func(t *testing.T) {
			doc, graph, text := filepath.Join("testdata", c.name+".xml"), filepath.Join("testdata", c.name+".graph"), filepath.Join("testdata", c.name+".txt")
			data, err := os.ReadFile(doc)
			if err != nil {
				t.Fatal(err)
			}
			root, err := cib.Parse(data, doc)
			if err != nil {
				t.Fatal(err)
			}
			if os.Getenv("RECORD") != "" {
				record(t, root, graph, text)
			}
			want := &Outcome{}
			if data, err = os.ReadFile(graph); err != nil {
				t.Fatal(err)
			}
			if want.Graph, err = ReadGraph(data); err != nil {
				t.Fatal(err)
			}
			if data, err = os.ReadFile(text); err != nil {
				t.Fatal(err)
			}
			want.Summary = string(data)
			got := ours.Run(root, WantGraph|WantSummary)
			got.Scores, got.Messages = "", ""
			if ds := Compare(want, got); len(ds) > 0 {
				t.Errorf("%s:\n%s", c.rule, Report(ds, 20))
			}
		})
	}
}

// record writes what the oracle makes of a document.
func record(t *testing.T, root *cib.Element, graph, text string) {
	o := oracleFor(t)
	out := o.Run(root, WantGraph|WantSummary)
	if out.Err != nil {
		t.Fatal(out.Err)
	}
	for name, data := range map[string][]byte{graph: o.graph, text: []byte(out.Summary)} {
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
