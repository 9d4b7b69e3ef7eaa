package lrm

import (
	"sort"
	"strings"
)

// activeSet is what this node believes, or must fear, to be active here. It
// depends on no history: a cleanup forgets results, not the need to stop.
type activeSet struct {
	clock int
	m     map[string]*activeResource
}

// activeResource is one such resource.
type activeResource struct {
	// op tells the agent and its parameters.
	op Op
	// began and ended are logical times of the operation that made it active;
	// ended is 0 while that is under way.
	began, ended int
	// promoted tells that it is, or may be, in the promoted role.
	promoted bool
}

func newActiveSet() *activeSet { return &activeSet{m: map[string]*activeResource{}} }

// activates tells operations that make a resource active.
func activates(name string) bool {
	return name == "start" || name == "promote" || name == "migrate_from"
}

// begin notes that an operation is about to be executed. It reports whether the
// resource became active by that.
func (s *activeSet) begin(op *Op) bool {
	if !activates(op.Name) {
		return false
	}
	s.clock++
	if a := s.m[op.Resource]; a != nil {
		a.op.Params = op.Params
		a.promoted = a.promoted || op.Name == "promote"
		return false
	}
	s.m[op.Resource] = &activeResource{op: *op, began: s.clock, promoted: op.Name == "promote"}
	return true
}

// asStarted gives a stop the parameters with which the resource was made
// active: those it comes with may be newer, and would stop something else.
func (s *activeSet) asStarted(op *Op) {
	a := s.m[op.Resource]
	if op.Name != "stop" || a == nil || a.op.Params == nil {
		return
	}
	params := map[string]string{}
	for k, v := range a.op.Params {
		if !strings.HasPrefix(k, "CRM_meta_") {
			params[k] = v
		}
	}
	for k, v := range op.Params {
		if strings.HasPrefix(k, "CRM_meta_") {
			params[k] = v
		}
	}
	op.Params = params
}

// end takes a result in; it reports whether the set changed.
func (s *activeSet) end(r *Result) bool {
	s.clock++
	name, a := r.Op.Resource, s.m[r.Op.Resource]
	known := r.Status == Done
	switch {
	case r.Op.Name == "stop" && known && r.RC == OK,
		r.Op.Name == "migrate_to" && known && r.RC == OK,
		r.Op.Name == "monitor" && known && r.RC == NotRunning:
		delete(s.m, name)
		return a != nil
	case r.Op.Name == "monitor" && known && a == nil && running(r.RC):
		s.m[name] = &activeResource{op: r.Op, began: s.clock, ended: s.clock, promoted: promoted(r.RC)}
		return true
	case a != nil && known && r.Op.Name == "demote" && r.RC == OK,
		a != nil && known && r.Op.Name == "monitor" && running(r.RC) && promoted(r.RC) != a.promoted:
		a.promoted = r.Op.Name == "monitor" && promoted(r.RC)
		return true
	case a != nil && strings.HasPrefix(r.Op.Name, "reload") && known && r.RC == OK:
		a.op.Params = r.Op.Params // a stop must let go of what it is now
		return true
	case a != nil && a.ended == 0:
		a.ended = s.clock
	}
	return false
}

// running tells return codes of a monitor that mean active in some way.
func running(rc int) bool {
	switch rc {
	case OK, RunningPromoted, FailedPromoted, Degraded, DegradedPromoted:
		return true
	}
	return false
}

// names returns the resources in the order in which they became active.
func (s *activeSet) names() []string {
	out := make([]string, 0, len(s.m))
	for n := range s.m {
		out = append(out, n)
	}
	sort.Slice(out, func(i, j int) bool {
		a, b := s.m[out[i]], s.m[out[j]]
		if a.began != b.began {
			return a.began < b.began
		}
		return out[i] < out[j]
	})
	return out
}

// promoted tells return codes of a monitor that mean the promoted role.
func promoted(rc int) bool {
	return rc == RunningPromoted || rc == FailedPromoted || rc == DegradedPromoted
}

// base is a resource without the number of its instance.
func base(resource string) string {
	if i := strings.LastIndexByte(resource, ':'); i > 0 {
		return resource[:i]
	}
	return resource
}
