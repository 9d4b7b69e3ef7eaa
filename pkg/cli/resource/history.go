package resource

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pengine"
)

// statusWords are the words for op-status.
var statusWords = map[int]string{-1: "pending", 0: "complete", 1: "Cancelled", 2: "Timed Out", 3: "NOT SUPPORTED", 4: "Error",
	5: "Hard error", 6: "Fatal error", 7: "Not installed", 8: "Internal communication failure", 9: "Device not connected",
	10: "Fencing driver not found", 11: "Aborted by signal"}

func statusWord(v string) string {
	n, err := strconv.Atoi(v)
	if w, ok := statusWords[n]; ok && err == nil {
		return w
	}
	return "UNKNOWN!"
}

// operations lists the history: what is active, or all of it.
func (c *call) operations(context.Context) error {
	list := cib.New("operations")
	for _, n := range c.status.StateOrder() {
		if c.node != "" && n.Name() != c.node {
			continue
		}
		for _, e := range n.History().First("lrm_resources").All("lrm_resource") {
			if c.id != "" && e.ID() != c.id {
				continue
			}
			for _, op := range pengine.HistoryOps(e, c.command == "list-operations") {
				list.Children = append(list.Children, c.entry(n, e, op))
			}
		}
	}
	c.t.Add(list)
	return nil
}

// entry shows one operation.
func (c *call) entry(n pengine.Node, e, op *cib.Element) *cib.Element {
	key := op.Get("operation_key")
	if key == "" {
		key = op.ID()
	}
	out := cib.New("operation", "op", key, "node", n.Name(), "call", op.Get("call-id"), "rc", op.Get("rc-code"), "status", statusWord(op.Get("op-status")))
	var b strings.Builder
	if r := c.status.FindHistory(e.ID()); r.OK() {
		out = out.WithAttr("rsc", r.Name()).WithAttr("agent", r.Agent())
		b.WriteString(c.status.LineOf(r, false) + ": ")
	}
	fmt.Fprintf(&b, "%s (node=%s, call=%s, rc=%s", key, n.Name(), op.Get("call-id"), op.Get("rc-code"))
	if sec, err := strconv.ParseInt(op.Get("last-rc-change"), 10, 64); err == nil {
		when := time.Unix(sec, 0).Format("Mon Jan _2 15:04:05 2006")
		out = out.WithAttr("last-rc-change", when)
		if v := op.Get("exec-time"); v != "" {
			out = out.WithAttr("exec-time", v)
		}
		fmt.Fprintf(&b, ", last-rc-change='%s', exec=%sms", when, orZero(op.Get("exec-time")))
	}
	fmt.Fprintf(&b, "): %s", statusWord(op.Get("op-status")))
	c.t.Printf("%s\n", b.String())
	return out
}

func orZero(s string) string {
	if s == "" {
		return "0"
	}
	return s
}
