package controller

import (
	"strings"
	"testing"
	"time"

	"github.com/quorate/quorate/lrm"
)

const kindsOfResources = `<group id="g"><primitive id="a" class="ocf" provider="heartbeat" type="Dummy"><instance_attributes id="a-p"><nvpair id="a-p-s" name="state" value="/x/a"/></instance_attributes><operations><op id="a-m" name="monitor" interval="10s"/></operations></primitive><primitive id="b" class="ocf" provider="heartbeat" type="Dummy"/></group>
<clone id="cl"><primitive id="c" class="ocf" provider="heartbeat" type="Dummy"><operations><op id="c-m" name="monitor" interval="10s"/></operations></primitive></clone>
<clone id="ucl"><meta_attributes id="ucl-m"><nvpair id="ucl-g" name="globally-unique" value="true"/><nvpair id="ucl-x" name="clone-max" value="2"/><nvpair id="ucl-n" name="notify" value="true"/></meta_attributes><primitive id="u" class="ocf" provider="heartbeat" type="Dummy"><operations><op id="u-m" name="monitor" interval="10s"/></operations></primitive></clone>
<clone id="pcl"><meta_attributes id="pcl-m"><nvpair id="pcl-p" name="promotable" value="true"/><nvpair id="pcl-n" name="notify" value="true"/></meta_attributes><primitive id="p" class="ocf" provider="pacemaker" type="Stateful"><operations><op id="p-m" name="monitor" interval="10s" role="Master"/><op id="p-s" name="monitor" interval="11s" role="Slave"/></operations></primitive></clone></resources>`

// Groups, clones, unique clones and promotable clones come up, and then there is
// nothing more to do.
func TestKindsOfResources(t *testing.T) {
	w := newWorld(t, "n1", "n2", "n3")
	w.shared = map[string]bool{"c": true, "p": true}
	w.configure(`</resources>`, kindsOfResources)
	score := "10"
	w.view("n2", "n1", "n3")
	w.nodes["n1"].m.Attribute(w.now, "master-p", &score)
	w.pass(10 * time.Second)
	w.want("c", "n1 n2 n3")
	w.want("p", "n1 n2 n3")
	calm := func(what string) {
		t.Helper()
		if s := w.nodes["n2"].m.State(); s != Idle {
			t.Fatalf("%s: DC is in %s, want S_IDLE\n%s", what, s, strings.Join(w.log, "\n"))
		}
		lines := len(w.log)
		w.nodes["n2"].m.want("test")
		w.pass(2 * time.Second)
		for _, l := range w.log[lines:] {
			if strings.Contains(l, "Initiating action") {
				t.Fatalf("%s: not calm\n%s", what, strings.Join(w.log[lines:], "\n"))
			}
		}
	}
	calm("all started")
	if w.owners("p promoted") != "n1" {
		t.Fatalf("p is not promoted on n1\n%s", strings.Join(w.log, "\n"))
	}

	// Failures of instances count for the resource, and a cleanup finds them.
	for _, rsc := range []string{"c", "u:0"} {
		node := w.owners(rsc)[:2]
		n := w.nodes[node]
		delete(n.running, rsc)
		op := n.ops[rsc+"_monitor_10000"]
		n.calls++
		n.m.Result(w.now, &lrm.Result{Op: op, CallID: n.calls, RC: lrm.NotRunning, Status: lrm.Done, Recurring: true, LastRun: w.now, LastRCChange: w.now})
		w.settle()
		w.pass(3 * time.Second)
		name := attributeName(rsc)
		if v := n.m.attrs["fail-count-"+name+"#monitor_10000"]; v != "1" {
			t.Fatalf("fail count of %s on %s is %q, want 1: %v", rsc, node, v, n.m.attrs)
		}
		calm("failed " + rsc)
		w.nodes["n3"].m.Cleanup(w.now, name, "")
		w.settle()
		w.pass(5 * time.Second)
		for k := range n.m.attrs {
			if failureOf(k, name) {
				t.Errorf("%s survived the cleanup of %s", k, name)
			}
		}
		if id := `id="` + rsc + `_last_failure_0" operation_key="` + rsc + `_monitor_10000"`; strings.Contains(compact(w.nodes["n2"].m.Document()), id) {
			t.Errorf("%s survived the cleanup", id)
		}
		calm("cleaned up " + rsc)
	}
}

// A live migration leaves the resource on the target only, and then there is
// nothing more to do.
func TestMigration(t *testing.T) {
	w := newWorld(t, "n1", "n2", "n3")
	w.configure(`<instance_attributes id="ip-p">`, `<meta_attributes id="ip-meta"><nvpair id="ip-mig" name="allow-migrate" value="true"/></meta_attributes><instance_attributes id="ip-p">`)
	w.view("n2", "n1", "n3")
	w.pass(time.Second)
	w.configure(`node="n1" score="200"`, `node="n3" score="200"`)
	w.pass(3 * time.Second)
	w.want("ip", "n3")
	if w.ran("n1", "ip_migrate_to_0") != 1 || w.ran("n3", "ip_migrate_from_0") != 1 || len(w.starts) != 1 {
		t.Fatalf("not a migration, starts %v\n%s", w.starts, strings.Join(w.log, "\n"))
	}
	lines := len(w.log)
	w.nodes["n2"].m.want("test")
	w.pass(2 * time.Second)
	for _, l := range w.log[lines:] {
		if strings.Contains(l, "Initiating action") {
			t.Fatalf("not calm\n%s", strings.Join(w.log[lines:], "\n"))
		}
	}
}
