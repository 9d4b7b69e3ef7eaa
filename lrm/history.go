package lrm

import (
	"sort"
	"strconv"
	"strings"
)

// history keeps, of each resource, the last result of every operation key, and
// the last failure besides.
type history map[string]*pastOf

// pastOf is what is kept of one resource.
type pastOf struct {
	last   map[string]Result
	failed *Result
}

// record takes a result in. An operation that changes the state ends what was
// known of recurring ones.
func (h history) record(r Result) {
	p := h[r.Op.Resource]
	if p == nil {
		p = &pastOf{last: map[string]Result{}}
		h[r.Op.Resource] = p
	}
	if changesState(&r.Op) {
		for k, old := range p.last {
			if old.Op.Interval > 0 {
				delete(p.last, k)
			}
		}
	}
	if r.Failure() && !r.Refused {
		f := r
		p.failed = &f
	}
	p.last[r.Op.Key()] = r
}

// drop forgets one recurring operation.
func (h history) drop(op *Op) {
	if p := h[op.Resource]; p != nil {
		delete(p.last, op.Key())
	}
}

// list returns everything kept, by resource and then in the order of the calls;
// the last failure stands among the others, and once only.
func (h history) list() []Result {
	var out []Result
	for _, p := range h {
		for _, r := range p.last {
			out = append(out, r)
		}
		if f := p.failed; f != nil {
			if now, ok := p.last[f.Op.Key()]; !ok || now.CallID != f.CallID || now.RC != f.RC || now.Status != f.Status {
				out = append(out, *f)
			}
		}
	}
	sort.Slice(out, func(i, j int) bool {
		a, b := &out[i], &out[j]
		switch {
		case a.Op.Resource != b.Op.Resource:
			return a.Op.Resource < b.Op.Resource
		case a.CallID != b.CallID:
			return a.CallID < b.CallID
		}
		return a.LastRun.Before(b.LastRun)
	})
	return out
}

// Failure tells whether the result is one: it did not complete, or the agent's
// code is not the one that the transition key expects.
func (r *Result) Failure() bool {
	switch r.Status {
	case Pending, Cancelled:
		return false
	case Done:
		return !Expected(r.Op.Name, r.RC, r.Op.TargetRC())
	}
	return true
}

// Expected tells whether the code of an operation is the one that was expected: a
// monitor that finds a resource degraded has found it active, in its role.
func Expected(operation string, rc, target int) bool {
	if operation == "monitor" {
		switch rc {
		case Degraded:
			rc = OK
		case DegradedPromoted:
			rc = RunningPromoted
		}
	}
	return rc == target
}

// TargetRC returns the return code that the transition key expects, else [OK].
func (o *Op) TargetRC() int {
	parts := strings.SplitN(o.TransitionKey, ":", 4)
	if len(parts) == 4 {
		if rc, err := strconv.Atoi(parts[2]); err == nil {
			return rc
		}
	}
	return OK
}
