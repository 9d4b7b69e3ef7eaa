package pengine_test

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pengine"
)

const conformance = "../../shared/conformance"

// caseTimes are the dates at which some recorded cases were computed.
var caseTimes = map[string]string{"date-1": "2005-020", "date-2": "2005-020T12:30", "date-3": "2005-020T11:30",
	"origin": "2014-05-07 00:28:00"}

// knownDifferences reads testdata/conformance.txt: per line the kind (graph,
// summary, scores), the case and the reason.
func knownDifferences(t *testing.T) map[string]string {
	data, err := os.ReadFile("testdata/conformance.txt")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]string{}
	for _, l := range strings.Split(string(data), "\n") {
		if l = strings.TrimSpace(l); l == "" || strings.HasPrefix(l, "#") {
			continue
		}
		f := strings.SplitN(l, " ", 3)
		if len(f) != 3 {
			t.Fatalf("testdata/conformance.txt: line %q needs kind, case and reason", l)
		}
		known[f[0]+" "+f[1]] = f[2]
	}
	return known
}

func coreCases(t testing.TB) []string {
	data, err := os.ReadFile(filepath.Join(conformance, "core.txt"))
	if err != nil {
		t.Skipf("SKIPPED: the recorded cases are not here (%v)", err)
	}
	return strings.Fields(string(data))
}

func scheduleCase(t testing.TB, name string) *pengine.Result {
	data, err := os.ReadFile(filepath.Join(conformance, "cases", name+".xml"))
	if err != nil {
		t.Fatal(err)
	}
	root, err := cib.Parse(data, name)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	if d := caseTimes[name]; d != "" {
		now, _ = pengine.ParseTime(d, time.UTC)
	} else if sec, err := strconv.ParseInt(root.Get("execution-date"), 10, 64); err == nil {
		now = time.Unix(sec, 0).UTC()
	}
	res, err := pengine.Schedule(root, now, pengine.Options{})
	if err != nil {
		t.Fatalf("case %s: %v", name, err)
	}
	return res
}

// TestConformance compares graph (real actions and their order), transition
// summary and scores of the recorded core cases. Differences must be listed,
// with their reason, in testdata/conformance.txt; what is listed must differ.
func TestConformance(t *testing.T) {
	cases := coreCases(t)
	known := knownDifferences(t)
	good := map[string]int{}
	for _, name := range cases {
		res := scheduleCase(t, name)
		for kind, diff := range map[string]string{"graph": diffGraph(t, name, res), "summary": diffSummary(t, name, res),
			"scores": diffScores(t, name, res)} {
			reason, listed := known[kind+" "+name]
			switch {
			case diff == "" && listed:
				t.Errorf("%s of case %s is equal now: take it out of testdata/conformance.txt (%s)", kind, name, reason)
			case diff != "" && !listed:
				t.Errorf("%s of case %s differs: %s", kind, name, diff)
			}
			if diff == "" {
				good[kind]++
			}
		}
	}
	t.Logf("of %d cases equal: graph %d, summary %d, scores %d", len(cases), good["graph"], good["summary"], good["scores"])
}

// TestRepeatable schedules the same CIB twice and wants the same bytes.
func TestRepeatable(t *testing.T) {
	for _, name := range coreCases(t) {
		a, b := scheduleCase(t, name).Graph.XML(), scheduleCase(t, name).Graph.XML()
		if !bytes.Equal(a, b) {
			t.Errorf("case %s: two computations of one CIB differ", name)
		}
	}
}

func squeeze(s string) string { return strings.Join(strings.Fields(s), "") }

func firstDifference(want, got []string) string {
	sort.Strings(want)
	sort.Strings(got)
	for _, w := range want {
		if !slices.Contains(got, w) {
			return fmt.Sprintf("missing %q", w)
		}
	}
	for _, g := range got {
		if !slices.Contains(want, g) {
			return fmt.Sprintf("unexpected %q", g)
		}
	}
	if len(want) != len(got) {
		return fmt.Sprintf("%d lines instead of %d", len(got), len(want))
	}
	return ""
}

func diffScores(t *testing.T, name string, res *pengine.Result) string {
	data, err := os.ReadFile(filepath.Join(conformance, "cases", name+".scores"))
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, l := range strings.Split(string(data), "\n") {
		if strings.TrimSpace(l) != "" {
			want = append(want, squeeze(l))
		}
	}
	for _, l := range res.Scores {
		got = append(got, squeeze(l.String()))
	}
	return firstDifference(want, got)
}

func diffSummary(t *testing.T, name string, res *pengine.Result) string {
	data, err := os.ReadFile(filepath.Join(conformance, "cases", name+".summary"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), "Transition Summary:\n")
	rest, _, _ = strings.Cut(rest, "Executing Cluster Transition:")
	var b strings.Builder
	res.SummaryText(&b)
	lines := func(s string) []string {
		var out []string
		for _, l := range strings.Split(s, "\n") {
			if strings.TrimSpace(l) != "" {
				out = append(out, squeeze(l))
			}
		}
		return out
	}
	want, got := lines(rest), lines(b.String())
	if slices.Equal(want, got) {
		return ""
	}
	if d := firstDifference(slices.Clone(want), slices.Clone(got)); d != "" {
		return d
	}
	return "the lines are in another order"
}

type xmlGraph struct {
	Synapses []struct {
		Actions []xmlAction `xml:"action_set>rsc_op"`
		Pseudo  []xmlAction `xml:"action_set>pseudo_event"`
		CRM     []xmlAction `xml:"action_set>crm_event"`
		Inputs  []struct {
			Rsc    []xmlAction `xml:"rsc_op"`
			Pseudo []xmlAction `xml:"pseudo_event"`
			CRM    []xmlAction `xml:"crm_event"`
		} `xml:"inputs>trigger"`
	} `xml:"synapse"`
}

type xmlAction struct {
	ID   string `xml:"id,attr"`
	Op   string `xml:"operation,attr"`
	Key  string `xml:"operation_key,attr"`
	Node string `xml:"on_node,attr"`
}

// graphPairs lists the real actions of a graph and what must precede them.
func graphPairs(t *testing.T, data []byte) []string {
	var g xmlGraph
	if err := xml.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	name, inputs := map[string]string{}, map[string][]string{}
	for _, s := range g.Synapses {
		var id string
		for _, a := range s.Actions {
			id, name[a.ID] = a.ID, a.Key+" "+a.Op+" "+a.Node
		}
		for _, a := range s.CRM {
			id, name[a.ID] = a.ID, a.Key+" "+a.Op+" "+a.Node
		}
		for _, a := range s.Pseudo {
			id, name[a.ID] = a.ID, ""
		}
		for _, in := range s.Inputs {
			for _, l := range [][]xmlAction{in.Rsc, in.Pseudo, in.CRM} {
				for _, a := range l {
					inputs[id] = append(inputs[id], a.ID)
				}
			}
		}
	}
	var out []string
	for id, n := range name {
		if n == "" {
			continue
		}
		out = append(out, n)
		seen := map[string]bool{}
		todo := slices.Clone(inputs[id])
		for len(todo) > 0 {
			x := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			if seen[x] {
				continue
			}
			seen[x] = true
			if name[x] != "" {
				out = append(out, name[x]+" < "+n)
			}
			todo = append(todo, inputs[x]...)
		}
	}
	return out
}

func diffGraph(t *testing.T, name string, res *pengine.Result) string {
	data, err := os.ReadFile(filepath.Join(conformance, "cases", name+".exp"))
	if err != nil {
		t.Fatal(err)
	}
	return firstDifference(graphPairs(t, data), graphPairs(t, res.Graph.XML()))
}

// BenchmarkCore schedules the whole core list once per iteration.
func BenchmarkCore(b *testing.B) {
	cases := coreCases(b)
	for b.Loop() {
		for _, name := range cases {
			scheduleCase(b, name)
		}
	}
}
