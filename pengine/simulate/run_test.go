package simulate

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pengine"
)

const cases = "../../../shared/conformance/cases"

func names(t *testing.T) []string {
	t.Helper()
	files, _ := filepath.Glob(cases + "/*.xml")
	if len(files) == 0 {
		t.Skip("SKIPPED: the recorded cases are not in ../shared/conformance beside the repository")
	}
	for i := range files {
		files[i] = strings.TrimSuffix(files[i], ".xml")
	}
	return files
}

func readCIB(t *testing.T, file string) *cib.Element {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	root, err := cib.Parse(data, file)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

var blanks = regexp.MustCompile(`\s+`)

// transition cuts the lines of the section "Executing Cluster Transition" out
// of a recorded text.
func transition(t *testing.T, file string) []string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, text, ok := strings.Cut(string(data), "Executing Cluster Transition:\n")
	if !ok {
		t.Fatalf("%s has no transition", file)
	}
	var out []string
	for _, l := range strings.Split(text, "\n") {
		if !strings.HasPrefix(l, "  * ") {
			break
		}
		out = append(out, strings.TrimSpace(blanks.ReplaceAllString(l, " ")))
	}
	return out
}

// TestRecorded executes every recorded graph and compares the order and the
// text of what happens with the recorded transition.
func TestRecorded(t *testing.T) {
	for _, f := range names(t) {
		t.Run(filepath.Base(f), func(t *testing.T) {
			data, err := os.ReadFile(f + ".exp")
			if err != nil {
				t.Fatal(err)
			}
			g, err := ReadGraph(data, f+".exp")
			if err != nil {
				t.Fatal(err)
			}
			_, events, _ := Run(readCIB(t, f+".xml"), g, Options{Now: time.Unix(1e9, 0)})
			want := transition(t, f+".summary")
			for i := range max(len(want), len(events)) {
				w, got := "nothing", "nothing"
				if i < len(want) {
					w = want[i]
				}
				if i < len(events) {
					got = strings.TrimSpace(blanks.ReplaceAllString(events[i].String(), " "))
				}
				if w != got {
					t.Fatalf("line %d: got %q, want %q", i+1, got, w)
				}
			}
		})
	}
}

// TestFailure lets the stop of a moving resource fail: the start is not done,
// the failure is in the history and counted, and the input is untouched.
func TestFailure(t *testing.T) {
	root, err := cib.Parse([]byte(small), "small")
	if err != nil {
		t.Fatal(err)
	}
	before := string(cib.Print(root))
	p := &pengine.PrimitiveRef{ID: "a", Class: "ocf", Provider: "heartbeat", Type: "Dummy"}
	g := &pengine.Graph{Actions: []*pengine.GraphAction{
		{ID: 2, Operation: "start", Key: "a_start_0", Node: "n2", NodeID: "2", Primitive: p, Inputs: []int{1}},
		{ID: 1, Operation: "stop", Key: "a_stop_0", Node: "n1", NodeID: "1", Primitive: p},
	}}
	for _, c := range []struct {
		fail  []OpSpec
		done  bool
		lines int
		xpath string
	}{
		{nil, true, 2, `//node_state[@uname='n2']//lrm_rsc_op[@id='a_last_0' and @operation='start' and @call-id='1']`},
		{[]OpSpec{{Resource: "a", Task: "stop", Node: "n2", RC: 1}}, true, 2, `//node_state[@uname='n1']//lrm_rsc_op[@id='a_last_0' and @operation='stop' and @rc-code='0' and @call-id='6']`},
		{[]OpSpec{{Resource: "a", Task: "stop", Node: "n1", RC: 1}}, false, 4, `//node_state[@uname='n1']//lrm_rsc_op[@id='a_last_failure_0' and @operation='stop' and @rc-code='1' and @call-id='6']`},
		{[]OpSpec{{Resource: "a", Task: "stop", Node: "n1", RC: 1}}, false, 4, `//node_state[@uname='n1']//nvpair[@name='fail-count-a#stop_0' and @value='1']`},
	} {
		out, events, complete := Run(root, g, Options{Now: time.Unix(1e9, 0), Fail: c.fail})
		if complete != c.done || len(events) != c.lines {
			t.Errorf("%v: complete %v, events %v", c.fail, complete, events)
		}
		if found, err := cib.Find(out, c.xpath); err != nil || len(found) != 1 {
			t.Errorf("%v: %s selects %d elements (%v) of\n%s", c.fail, c.xpath, len(found), err, cib.Print(out.First("status")))
		}
		if string(cib.Print(root)) != before {
			t.Fatal("the input was changed")
		}
	}
}
