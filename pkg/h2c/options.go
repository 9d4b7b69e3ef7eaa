package h2c

import (
	"github.com/quorate/quorate/pkg/diag"
	"github.com/quorate/quorate/pkg/hacf"
)

// Dialect is the form of the CIB.
type Dialect uint8

const (
	// Current is today's form.
	Current Dialect = iota
	// Heartbeat is that of Heartbeat 2.0.
	Heartbeat
)

// Schema is what a document in today's form says it is valid with.
const Schema = "pacemaker-3.9"

// Options say how to convert.
type Options struct {
	Dialect Dialect
	// NoOCF makes every resource a script with positional parameters.
	NoOCF bool
	// ContentIDs names resources and groups by the words of their line instead of
	// by number, so that another line changes no id.
	ContentIDs bool
	// NoMonitor leaves operations out.
	NoMonitor bool
	// Stickiness is the default stickiness, "0" when empty.
	Stickiness string
	// Nodes is the number of nodes of the cluster, for clones.
	Nodes int
	// Failback is auto_failback of ha.cf; "off" is reported, not carried over.
	Failback hacf.Failback
	// Stonith are the stonith_host lines of ha.cf.
	Stonith []hacf.StonithDevice
	// StonithParams names the parameters of a type of fencing device, in order;
	// nil when it is not known. [StonithParams] knows the usual ones.
	StonithParams func(typ string) []string
	// HeartbeatScript, LSBScript and SystemdUnit report whether a script or unit
	// of that name exists. nil means none.
	HeartbeatScript, LSBScript, SystemdUnit func(name string) bool
	// File names haresources, HACF names ha.cf, in remarks.
	File, HACF string
}

func (c *converter) warnf(line int, remedy, text string) {
	c.diags = append(c.diags, diag.New(c.o.File, line, diag.Warning, remedy, text))
}

func has(f func(string) bool, name string) bool { return f != nil && f(name) }
