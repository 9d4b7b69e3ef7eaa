package sim

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Step is one line of a scenario: something that is done to the cluster, or
// that is expected of it, at a time.
type Step struct {
	// At counts from the start.
	At time.Duration
	// Upon, if not "", is the moment of the protocol that it waits for from then
	// on, at the node Of or at any.
	Upon, Of string
	// Verb is one of the verbs of docs/simulator.md: crash, cut, expect, …
	Verb string
	// Node and Peer are nodes; of a cut, frames from Node to Peer are lost.
	Node, Peer string
	// OneWay tells that a cut or a loss is not mutual.
	OneWay bool
	// For is how long it lasts; 0: until something else ends it.
	For time.Duration
	// Kind is the kind of a disk's, clock's or agent's fault, the operation of a
	// faulty agent is Op, the resource is Resource.
	Kind, Op, Resource string
	// Amount is per mille of a loss, nanoseconds of a delay or a jump, parts per
	// million of a drift.
	Amount int64
	// Name and Value are of a cluster option; Value is what is expected, too, and
	// the members that Node proposes besides itself, with spaces.
	Name, Value string
	// Line is where it stands in its file, 0 if it was made by a seed.
	Line int
}

// String is the line of a scenario file.
func (e Step) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "at %s", seconds(e.At))
	word := func(s string) {
		if s != "" {
			b.WriteByte(' ')
			b.WriteString(s)
		}
	}
	if e.Upon != "" {
		word("upon")
		word(e.Upon)
		if e.Of != "" {
			word("of")
			word(e.Of)
		}
	}
	word(e.Verb)
	switch e.Verb {
	case "cut", "loss":
		if e.Node != "" {
			word(e.Node)
			if e.OneWay {
				word(">")
			}
			word(e.Peer)
		}
		if e.Verb == "loss" {
			word(percent(e.Amount))
		}
	case "duplicate":
		word(percent(e.Amount))
	case "delay":
		word(seconds(time.Duration(e.Amount)))
	case "disk":
		word(e.Node)
		word(e.Kind)
		if e.Kind == "slow" {
			word(seconds(time.Duration(e.Amount)))
		}
	case "clock":
		word(e.Node)
		word(e.Kind)
		if e.Kind == "drift" {
			word(strconv.FormatInt(e.Amount, 10))
		} else {
			word(seconds(time.Duration(e.Amount)))
		}
	case "agent":
		word(e.Resource)
		word("on")
		word(e.Node)
		word(e.Kind)
		word(e.Op)
	case "fail":
		word(e.Resource)
		word("on")
		word(e.Node)
	case "votes":
		word(e.Node)
		word(strconv.FormatInt(e.Amount, 10))
	case "set":
		word(e.Name)
		word(e.Value)
	case "propose":
		word(e.Node)
		word(e.Value)
	case "expect":
		word(e.Resource)
		word(e.Name)
		word(e.Node)
		word(e.Value)
	default:
		word(e.Node)
		word(e.Peer)
		word(e.Resource)
	}
	if e.For > 0 {
		word("for")
		word(seconds(e.For))
	}
	return b.String()
}

// seconds prints a duration as a scenario has it.
func seconds(d time.Duration) string { return d.String() }

// percent prints per mille.
func percent(p int64) string {
	return strings.TrimSuffix(fmt.Sprintf("%d.%d", p/10, p%10), ".0") + "%"
}
