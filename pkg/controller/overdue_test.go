package controller

import (
	"strings"
	"testing"
	"time"
)

// Two results that never come are overdue at one look. The transition was aborted,
// and only the migration kept it: it ends when that is given up, and the start is
// carried on, not looked for in a transition that is over.
func TestSeveralOverdueResultsAtOnce(t *testing.T) {
	w := newWorld(t, "n1", "n2", "n3")
	w.configure(`type="IPaddr">`, `type="IPaddr"><meta_attributes id="ip-meta"><nvpair id="ip-am" name="allow-migrate" value="true"/></meta_attributes>`)
	w.view("n2", "n1", "n3")
	w.pass(5 * time.Second)
	w.want("ip", "n1")
	w.nodes["n1"].hang["ip_migrate_to_0"] = true
	for _, n := range w.nodes {
		n.hang["db_start_0"] = true
	}
	w.configure(`</primitive>`, strings.ReplaceAll(twoResources, `timeout="200s"`, `timeout="20s"`))
	w.configure(`node="n1" score="200"`, `node="n3" score="2000"`)
	w.pass(5 * time.Second)
	w.configure(`score="2000"`, `score="3000"`) // whatever, it aborts the transition
	w.pass(5 * time.Second)
	dc := w.nodes["n2"]
	running := dc.m.dc.engine.Running()
	if _, aborted := dc.m.dc.engine.Aborted(); !aborted || len(running) != 2 {
		t.Fatalf("aborted %v, and %d operations in flight\n%s", aborted, len(running), strings.Join(w.log, "\n"))
	}
	w.now = w.now.Add(10 * time.Minute)
	dc.m.Tick(w.now)
	w.settle()
	w.pass(time.Minute)
	for _, key := range []string{"ip_migrate_to_0 on n1 timed out", "db_start_0 on n"} {
		if !w.logged(key) {
			t.Errorf("nothing is told of %s\n%s", key, strings.Join(w.log, "\n"))
		}
	}
	if w.want("ip", "n1"); len(w.starts) != 1 {
		t.Errorf("started %v", w.starts)
	}
}
