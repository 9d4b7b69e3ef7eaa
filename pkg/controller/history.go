package controller

import (
	"maps"
	"sort"
	"strconv"
	"strings"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/lrm"
	"github.com/quorate/quorate/pengine"
	pkgversion "github.com/quorate/quorate/pkg/version"
)

// history is what is known of the operations run on one node: for each
// resource the last start, stop or probe, the last failure, and each recurring
// operation, as lrm_resource elements have it.
type history struct {
	rsc map[string]*cib.Element
}

func newHistory() *history { return &history{rsc: map[string]*cib.Element{}} }

// merge takes over the operations of an lrm_resource element; an operation of
// the same id is replaced.
func (h *history) merge(add *cib.Element) {
	old := h.rsc[add.ID()]
	if old == nil {
		h.rsc[add.ID()] = add
		return
	}
	children := append([]*cib.Element(nil), old.Children...)
next:
	for _, op := range add.Children {
		for i, c := range children {
			if c.ID() == op.ID() {
				children[i] = op
				continue next
			}
		}
		children = append(children, op)
	}
	h.rsc[add.ID()] = add.WithChildren(children...)
}

// inOrder moves the change of a repeated operation to the next second where
// it came in the same second as the one before it: success and failure of one
// call stand in entries of their own, and only that time, in seconds, tells the
// policy engine which came last.
func (h *history) inOrder(add *cib.Element) *cib.Element {
	old := h.rsc[add.ID()]
	if old == nil {
		return add
	}
	return add.WithChildren(mapElements(add.Children, func(op *cib.Element) *cib.Element {
		at, err := strconv.ParseInt(op.Get("last-rc-change"), 10, 64)
		if err != nil || op.Get("interval") == "0" {
			return op
		}
		for _, c := range old.Children {
			before, err := strconv.ParseInt(c.Get("last-rc-change"), 10, 64)
			if err == nil && c.ID() != op.ID() && c.Get("operation_key") == op.Get("operation_key") && c.Get("call-id") == op.Get("call-id") && before >= at {
				at = before + 1
			}
		}
		return op.WithAttr("last-rc-change", strconv.FormatInt(at, 10))
	})...)
}

func mapElements(in []*cib.Element, f func(*cib.Element) *cib.Element) []*cib.Element {
	out := make([]*cib.Element, len(in))
	for i, e := range in {
		out[i] = f(e)
	}
	return out
}

// cancel removes a recurring operation.
func (h *history) cancel(resource, key string) {
	old := h.rsc[resource]
	if old == nil {
		return
	}
	for _, op := range old.Children {
		if op.ID() == key {
			h.rsc[resource] = old.WithReplaced(op, nil)
			return
		}
	}
}

func (h *history) forget(resource string) { delete(h.rsc, resource) }

// names returns the resources in order.
func (h *history) names() []string {
	out := make([]string, 0, len(h.rsc))
	for n := range h.rsc {
		out = append(out, n)
	}
	sort.Strings(out)
	return out
}

// element returns the lrm element of a node.
func (h *history) element(nodeID string) *cib.Element {
	list := cib.New("lrm_resources")
	for _, n := range h.names() {
		list.Children = append(list.Children, h.rsc[n])
	}
	return cib.New("lrm", "id", nodeID).WithChild(list)
}

// failed reports whether a result is not what the transition expected.
func failed(operation string, rc, status, target int) bool {
	return status != int(lrm.Done) || !lrm.Expected(operation, rc, target)
}

// targetRC returns the expected return code of a transition key
// "action:transition:target:uuid", or 0.
func targetRC(key string) int {
	f := strings.SplitN(key, ":", 4)
	if len(f) < 4 {
		return 0
	}
	n, _ := strconv.Atoi(f[2])
	return n
}

// ownKey is the transition key of what a node did by itself, without a DC: the
// stops at the end of its right to run.
const ownKey = "0:0:0:00000000-0000-0000-0000-000000000000"

// record makes the lrm_resource element of a result. A failure is kept under
// RESOURCE_last_failure_0, a repeated operation under its key, all others under
// RESOURCE_last_0, as Pacemaker 2.1 names them. A migration is kept under its
// key, as it matters beyond the next operation, and a successful reload counts
// as a start with new parameters.
func record(node string, r *lrm.Result) *cib.Element {
	o := &r.Op
	if o.TransitionKey == "" {
		o.TransitionKey = ownKey
	}
	if strings.HasPrefix(o.Name, "reload") && r.RC == lrm.OK && r.Status == lrm.Done {
		started := *o
		started.Name = "start"
		o = &started
	}
	last := o.Resource + "_last_0"
	if strings.HasPrefix(o.Name, "migrate_") {
		last = o.Key()
	}
	bad := failed(o.Name, r.RC, int(r.Status), targetRC(o.TransitionKey))
	interval := o.Interval.Milliseconds()
	var ids []string
	switch {
	case bad && interval == 0:
		ids = []string{o.Resource + "_last_failure_0", last}
	case bad:
		ids = []string{o.Resource + "_last_failure_0"}
	case interval == 0:
		ids = []string{last}
	default:
		ids = []string{o.Key()}
	}
	rsc := cib.New("lrm_resource", "id", o.Resource, "class", o.Class)
	if o.Provider != "" {
		rsc = rsc.WithAttr("provider", o.Provider)
	}
	rsc = rsc.WithAttr("type", o.Type)
	itoa := strconv.Itoa
	for _, id := range ids {
		op := cib.New("lrm_rsc_op", "id", id,
			"operation_key", o.Key(), "operation", o.Name,
			"crm-debug-origin", "quorate", "crm_feature_set", featureSet,
			"transition-key", o.TransitionKey,
			"transition-magic", itoa(int(r.Status))+":"+itoa(r.RC)+";"+o.TransitionKey,
			"exit-reason", r.ExitReason, "on_node", node,
			"call-id", itoa(r.CallID), "rc-code", itoa(r.RC), "op-status", itoa(int(r.Status)),
			"interval", strconv.FormatInt(interval, 10))
		if !r.LastRCChange.IsZero() {
			op = op.WithAttr("last-rc-change", strconv.FormatInt(r.LastRCChange.Unix(), 10))
		}
		op = op.WithAttr("exec-time", strconv.FormatInt(r.ExecTime.Milliseconds(), 10)).
			WithAttr("queue-time", strconv.FormatInt(r.QueueTime.Milliseconds(), 10))
		for _, name := range []string{"migrate_source", "migrate_target"} {
			if v := o.Params["CRM_meta_"+name]; v != "" {
				op = op.WithAttr(name, v)
			}
		}
		op = withDigests(op, o, r.Traits)
		rsc = rsc.WithChild(op)
	}
	return rsc
}

// withDigests adds what tells a later run of the policy engine whether a changed
// configuration needs a restart.
func withDigests(op *cib.Element, o *lrm.Op, t *lrm.Traits) *cib.Element {
	op = op.WithAttr("op-digest", pengine.OpDigest(o.Params, o.Interval > 0))
	if t == nil || o.Interval > 0 {
		return op
	}
	list := func(names []string) string { return " " + strings.Join(names, " ") + " " }
	if t.Reloads {
		restart := map[string]string{}
		for _, n := range t.Restart {
			if v, ok := o.Params[n]; ok {
				restart[n] = v
			}
		}
		op = op.WithAttr("op-force-restart", list(t.Restart)).
			WithAttr("op-restart-digest", pengine.OpDigest(restart, false))
	}
	if len(t.Private) > 0 {
		open := maps.Clone(o.Params)
		for _, n := range t.Private {
			delete(open, n)
		}
		op = op.WithAttr("op-secure-params", list(t.Private)).
			WithAttr("op-secure-digest", pengine.OpDigest(open, false))
	}
	return op
}

// pendingRecord makes the entry of an operation that has begun and not ended. It
// stands beside what is known of the operations before it, in entries of its own,
// and after them by its call: a start replaces neither the stop nor the probe that
// came before, or the policy engine would take a failure from before that stop for
// one of the instance that is starting, and plan to stop it. Only a probe replaces
// what it is about to find out anew.
func pendingRecord(node string, o *lrm.Op, callID int) *cib.Element {
	r := &lrm.Result{Op: *o, CallID: callID, RC: 193, Status: lrm.Pending}
	el := record(node, r)
	// A pending operation is no failure: one entry.
	op := el.Children[len(el.Children)-1]
	switch {
	case o.Interval > 0:
		op = op.WithAttr("id", o.Key())
	case o.Name != "monitor":
		op = op.WithAttr("id", o.Resource+"_pending_"+o.Name+"_0")
	}
	return el.WithChildren(op)
}

func activating(name string) bool { return name == "start" || name == "promote" }

// featureSet is the version of the graph and history format spoken here.
const featureSet = pkgversion.FeatureSet
