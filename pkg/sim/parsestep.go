package sim

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/controller"
)

// operations that a faulty agent may be faulty in.
var agentOps = []string{"start", "stop", "monitor", "promote", "demote", "migrate_to", "migrate_from"}

// step reads a line "at TIME VERB …".
func (p *parser) step(w []string) error {
	at, err := p.duration(w, 1)
	if err != nil {
		return err
	}
	if at < 0 || len(w) < 3 {
		return errors.New("write \"at DURATION VERB …\"")
	}
	e := Step{At: at, Line: p.line}
	if w, err = p.upon(&e, w[2:]); err != nil {
		return err
	}
	e.Verb = w[0]
	rest := w[1:]
	if n := len(rest); n >= 2 && rest[n-2] == "for" {
		if e.For, err = p.duration(rest, n-1); err != nil {
			return err
		}
		if e.For <= 0 {
			return errors.New("\"for\" needs more than 0")
		}
		rest = rest[:n-2]
	}
	if err := p.verb(&e, rest); err != nil {
		return fmt.Errorf("%s: %w", e.Verb, err)
	}
	if e.Upon != "" && e.Verb == "expect" {
		return errors.New("expect: it looks at one time, and cannot wait for a moment")
	}
	p.sc.Steps = append(p.sc.Steps, e)
	return nil
}

// upon reads "upon MOMENT [of NODE]", if that is there, and returns the rest.
func (p *parser) upon(e *Step, w []string) ([]string, error) {
	if w[0] != "upon" {
		return w, nil
	}
	if len(w) < 3 || !slices.Contains(moments, w[1]) {
		return nil, fmt.Errorf("write \"upon MOMENT [of NODE] VERB …\"; the moments are %s", strings.Join(moments, ", "))
	}
	e.Upon, w = w[1], w[2:]
	if w[0] == "of" {
		if len(w) < 3 {
			return nil, errors.New("write \"upon MOMENT of NODE VERB …\"")
		}
		if err := p.node(&e.Of, w[1:2], 1); err != nil {
			return nil, err
		}
		w = w[2:]
	}
	return w, nil
}

func (p *parser) verb(e *Step, w []string) (err error) {
	switch e.Verb {
	case "crash", "boot", "kill", "start", "stop", "standby", "online", "edit", "isolate", "add", "remove":
		return p.node(&e.Node, w, 1)
	case "propose":
		return p.propose(e, w)
	case "freeze", "hang":
		if e.For == 0 {
			return errors.New("say for how long: for 10s")
		}
		return p.node(&e.Node, w, 1)
	case "votes":
		if len(w) != 2 {
			return errors.New("write \"votes NODE NUMBER\"")
		}
		if e.Amount, err = votes(w[1]); err != nil {
			return err
		}
		return p.node(&e.Node, w[:1], 1)
	case "mend":
		return none(w)
	case "cut":
		w, err = p.pair(e, w)
		if err == nil {
			err = none(w)
		}
		return err
	case "loss":
		if len(w) > 1 {
			if w, err = p.pair(e, w); err != nil {
				return err
			}
		}
		return p.percent(e, w)
	case "duplicate":
		return p.percent(e, w)
	case "delay":
		d, err := p.duration(append([]string{"delay"}, w...), 1)
		e.Amount = int64(d)
		if err == nil && d <= 0 {
			err = errors.New("it must be more than 0")
		}
		return err
	case "disk":
		return p.disk(e, w)
	case "clock":
		return p.clock(e, w)
	case "agent":
		return p.agent(e, w)
	case "fail":
		if len(w) != 3 || w[1] != "on" {
			return errors.New("write \"fail RESOURCE on NODE\"")
		}
		if err := p.primitive(&e.Resource, w[0]); err != nil {
			return err
		}
		return p.node(&e.Node, w[2:], 1)
	case "cleanup":
		if len(w) != 1 {
			return errors.New("name one resource")
		}
		return p.primitive(&e.Resource, w[0])
	case "set":
		if len(w) != 2 {
			return errors.New("write \"set OPTION VALUE\"")
		}
		e.Name, e.Value = w[0], w[1]
		return nil
	case "expect":
		return p.expect(e, w)
	}
	return fmt.Errorf("this verb is not known; there are %s", strings.Join(verbs, ", "))
}

// verbs of steps.
var verbs = []string{"crash", "boot", "kill", "start", "stop", "freeze", "hang", "cut", "isolate", "mend", "loss", "duplicate",
	"delay", "disk", "clock", "agent", "fail", "standby", "online", "set", "edit", "cleanup", "add", "remove", "votes", "propose", "expect"}

func (p *parser) node(to *string, w []string, want int) error {
	if len(w) != want {
		return errors.New("name one node")
	}
	if !slices.Contains(p.sc.all(), w[0]) {
		return fmt.Errorf("there is no node %q, there are %s", w[0], strings.Join(p.sc.all(), ", "))
	}
	*to = w[0]
	return nil
}

// propose reads the proposer and the other members.
func (p *parser) propose(e *Step, w []string) error {
	if len(w) < 2 {
		return errors.New("name who proposes, and the other members")
	}
	for i := range w {
		var name string
		if err := p.node(&name, w[i:i+1], 1); err != nil {
			return err
		}
		if slices.Contains(w[:i], name) {
			return fmt.Errorf("%s is named twice", name)
		}
	}
	e.Node, e.Value = w[0], strings.Join(w[1:], " ")
	return nil
}

func (p *parser) primitive(to *string, name string) error {
	if p.rsc == nil {
		p.rsc = primitives(p.sc.CIB)
	}
	if !slices.Contains(p.rsc, name) {
		return fmt.Errorf("there is no primitive %q, there are %s", name, strings.Join(p.rsc, ", "))
	}
	*to = name
	return nil
}

// pair reads A B or A > B.
func (p *parser) pair(e *Step, w []string) ([]string, error) {
	if len(w) >= 3 && w[1] == ">" {
		e.OneWay = true
		w = append([]string{w[0]}, w[2:]...)
	}
	if len(w) < 2 {
		return nil, errors.New("name two nodes, \"A B\", or \"A > B\" for one direction")
	}
	if err := p.node(&e.Node, w[:1], 1); err != nil {
		return nil, err
	}
	if err := p.node(&e.Peer, w[1:2], 1); err != nil {
		return nil, err
	}
	if e.Node == e.Peer {
		return nil, fmt.Errorf("%s and %s are one node", e.Node, e.Peer)
	}
	return w[2:], nil
}

func (p *parser) percent(e *Step, w []string) error {
	if len(w) != 1 || !strings.HasSuffix(w[0], "%") {
		return errors.New("give a percentage, such as 30% or 2.5%")
	}
	f, err := strconv.ParseFloat(strings.TrimSuffix(w[0], "%"), 64)
	if err != nil || f < 0.1 || f > 100 {
		return fmt.Errorf("%q is no percentage between 0.1%% and 100%%", w[0])
	}
	e.Amount = int64(f*10 + 0.5)
	return nil
}

func (p *parser) disk(e *Step, w []string) error {
	if len(w) < 2 {
		return errors.New("write \"disk NODE slow DURATION\", \"disk NODE full\", \"… torn\" or \"… lost\"")
	}
	if err := p.node(&e.Node, w[:1], 1); err != nil {
		return err
	}
	e.Kind = w[1]
	switch e.Kind {
	case "full", "torn", "lost":
		return none(w[2:])
	case "slow":
		d, err := p.duration(w, 2)
		e.Amount = int64(d)
		if err == nil && d <= 0 {
			err = errors.New("a write takes more than 0")
		}
		return err
	}
	return fmt.Errorf("%q is none of slow, full, torn and lost", w[1])
}

func (p *parser) clock(e *Step, w []string) error {
	if len(w) != 3 || w[1] != "drift" && w[1] != "jump" {
		return errors.New("write \"clock NODE drift PPM\" or \"clock NODE jump DURATION\"")
	}
	if err := p.node(&e.Node, w[:1], 1); err != nil {
		return err
	}
	e.Kind = w[1]
	if e.Kind == "jump" {
		d, err := p.duration(w, 2)
		e.Amount = int64(d)
		return err
	}
	n, err := strconv.ParseInt(w[2], 10, 64)
	if err != nil || n < -200_000 || n > 200_000 {
		return fmt.Errorf("%q is no drift in parts per million between -200000 and 200000", w[2])
	}
	e.Amount = n
	return nil
}

func (p *parser) agent(e *Step, w []string) error {
	if len(w) != 5 || w[1] != "on" {
		return errors.New("write \"agent RESOURCE on NODE fails|hangs|lies OPERATION\"")
	}
	if err := p.primitive(&e.Resource, w[0]); err != nil {
		return err
	}
	if err := p.node(&e.Node, w[2:3], 1); err != nil {
		return err
	}
	e.Kind, e.Op = w[3], w[4]
	if !slices.Contains([]string{"fails", "hangs", "lies"}, e.Kind) {
		return fmt.Errorf("%q is none of fails, hangs and lies", e.Kind)
	}
	if !slices.Contains(agentOps, e.Op) {
		return fmt.Errorf("%q is none of %s", e.Op, strings.Join(agentOps, ", "))
	}
	return nil
}

// expect reads what is expected: whole; quorum NODE; no-quorum NODE; dc NODE;
// RESOURCE on NODE, somewhere or nowhere.
func (p *parser) expect(e *Step, w []string) error {
	if e.For > 0 {
		return errors.New("it looks at one moment, and has no \"for\"")
	}
	if len(w) == 0 {
		return errors.New("write whole, quorum NODE, no-quorum NODE, dc NODE, RESOURCE on NODE, RESOURCE somewhere or RESOURCE nowhere")
	}
	switch w[0] {
	case "whole":
		e.Name = w[0]
		return none(w[1:])
	case "quorum", "no-quorum", "dc":
		e.Name = w[0]
		return p.node(&e.Node, w[1:], 1)
	}
	if err := p.primitive(&e.Resource, w[0]); err != nil {
		return err
	}
	switch {
	case len(w) == 2 && (w[1] == "somewhere" || w[1] == "nowhere"):
		e.Name = w[1]
		return nil
	case len(w) == 3 && w[1] == "on":
		e.Name = "on"
		return p.node(&e.Node, w[2:], 1)
	}
	return fmt.Errorf("write \"%s on NODE\", \"%s somewhere\" or \"%s nowhere\"", w[0], w[0], w[0])
}

func controllerOption(root *cib.Element, name string) string { return controller.Option(root, name) }

// hasStickiness reports whether all resources prefer to stay where they are.
func hasStickiness(root *cib.Element) bool {
	for _, set := range root.Path("configuration", "rsc_defaults").All("meta_attributes") {
		for _, nv := range set.All("nvpair") {
			if nv.Get("name") == "resource-stickiness" {
				n, err := strconv.Atoi(nv.Get("value"))
				return nv.Get("value") == "INFINITY" || err == nil && n > 0
			}
		}
	}
	return false
}
