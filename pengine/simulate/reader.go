package simulate

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pengine"
)

// ErrNotAGraph tells that a document is not a transition graph.
var ErrNotAGraph = errors.New("not a transition graph")

// ReadGraph reads the XML form of a transition graph. A synapse with several
// actions becomes one action each, with the same inputs. Errors wrap
// ErrNotAGraph or are a *cib.ParseError.
func ReadGraph(data []byte, file string) (*pengine.Graph, error) {
	root, err := cib.Parse(data, file)
	if err != nil {
		return nil, err
	}
	if root.Name != "transition_graph" {
		return nil, fmt.Errorf("%s:%d: <%s>: %w", file, root.Line, root.Name, ErrNotAGraph)
	}
	g := &pengine.Graph{}
	for _, a := range root.Attrs {
		if a.Name == "transition_id" {
			if g.TransitionID, err = strconv.Atoi(a.Value); err != nil {
				return nil, fmt.Errorf("%s:%d: transition_id %q is not a number: %w", file, root.Line, a.Value, ErrNotAGraph)
			}
			continue
		}
		g.Params = append(g.Params, pengine.Param{Name: a.Name, Value: a.Value})
	}
	for _, s := range root.All("synapse") {
		if err := readSynapse(g, s, file); err != nil {
			return nil, err
		}
	}
	return g, nil
}

var kinds = map[string]pengine.ActionKind{
	"rsc_op": pengine.RscOp, "pseudo_event": pengine.PseudoEvent, "crm_event": pengine.CRMEvent,
}

func readSynapse(g *pengine.Graph, s *cib.Element, file string) error {
	priority := 0
	if p, ok := s.Lookup("priority"); ok {
		var err error
		if priority, err = cib.ParseScore(p); err != nil {
			return fmt.Errorf("%s:%d: the priority %q of synapse %s is not a score: %w", file, s.Line, p, s.ID(), ErrNotAGraph)
		}
	}
	var inputs []int
	for _, t := range s.First("inputs").All("trigger") {
		for _, e := range t.Children {
			if _, ok := kinds[e.Name]; !ok {
				continue
			}
			id, err := actionID(e, file)
			if err != nil {
				return err
			}
			inputs = append(inputs, id)
		}
	}
	set := s.First("action_set")
	if set == nil {
		return fmt.Errorf("%s:%d: synapse %s has no action_set: %w", file, s.Line, s.ID(), ErrNotAGraph)
	}
	for _, e := range set.Children {
		kind, ok := kinds[e.Name]
		if !ok {
			continue
		}
		a, err := readAction(e, kind, file)
		if err != nil {
			return err
		}
		a.Priority, a.Inputs = pengine.Score(priority), inputs
		g.Actions = append(g.Actions, a)
	}
	return nil
}

func actionID(e *cib.Element, file string) (int, error) {
	id, err := strconv.Atoi(e.ID())
	if err != nil {
		return 0, fmt.Errorf("%s:%d: the id %q of <%s> is not a number: %w", file, e.Line, e.ID(), e.Name, ErrNotAGraph)
	}
	return id, nil
}

func readAction(e *cib.Element, kind pengine.ActionKind, file string) (*pengine.GraphAction, error) {
	id, err := actionID(e, file)
	if err != nil {
		return nil, err
	}
	a := &pengine.GraphAction{ID: id, Kind: kind, Operation: e.Get("operation"), Key: e.Get("operation_key"),
		InternalKey: e.Get("internal_operation_key"), Node: e.Get("on_node"), NodeID: e.Get("on_node_uuid"),
		RouterNode: e.Get("router_node")}
	if p := e.First("primitive"); p != nil {
		a.Primitive = &pengine.PrimitiveRef{ID: p.ID(), LongID: p.Get("long-id"), Class: p.Get("class"),
			Provider: p.Get("provider"), Type: p.Get("type")}
	}
	if at := e.First("attributes"); at != nil {
		for _, x := range at.Attrs {
			a.Params = append(a.Params, pengine.Param{Name: x.Name, Value: x.Value})
		}
	}
	for _, n := range e.First("downed").All("node") {
		a.Downed = append(a.Downed, n.ID())
	}
	if rc := strings.TrimSpace(a.Param("CRM_meta_op_target_rc")); rc != "" {
		if a.TargetRC, err = strconv.Atoi(rc); err != nil {
			return nil, fmt.Errorf("%s:%d: the return code %q of action %d is not a number: %w", file, e.Line, rc, id, ErrNotAGraph)
		}
	}
	return a, nil
}
