package demo

import (
	"io"
	"time"
)

// Options say how the demo runs.
type Options struct {
	// Out takes the narration.
	Out io.Writer
	// Binary is the program under test; empty means the running one.
	Binary string
	// SeedTimers uses the article's timers in place of short ones.
	SeedTimers bool
	// Probe is the time between two questions of the client; 0 means 10 ms.
	Probe time.Duration
	// Idle is how long the idle cluster is measured, after it was left alone
	// for a quarter of that time; 0 means 8 s.
	Idle time.Duration
	// TempDir is where the lab lies; empty means the system's.
	TempDir string
	// Width is the width of the drawing in columns; 0 means 80.
	Width int

	// files are more files for the nodes, and patience how long a state may
	// take instead of the usual time; both are for tests.
	files    map[string]string
	patience time.Duration
}

func (o Options) withDefaults() Options {
	if o.Out == nil {
		o.Out = io.Discard
	}
	if o.Probe == 0 {
		o.Probe = 10 * time.Millisecond
	}
	if o.Idle == 0 {
		o.Idle = 8 * time.Second
	}
	if o.Width == 0 {
		o.Width = 80
	}
	return o
}

// timers are the times of ha.cf.
type timers struct {
	keepalive, warntime, deadtime string
	// initdead is left out where it is empty.
	initdead string
	// dampen is pingd's -d.
	dampen string

	// beat and dead are keepalive and deadtime; patience is how long a state
	// may take.
	beat, dead, patience time.Duration
}

var (
	shortTimers = timers{keepalive: "200ms", warntime: "500ms", deadtime: "1", initdead: "2", dampen: "500ms",
		beat: 200 * time.Millisecond, dead: time.Second, patience: 15 * time.Second}
	seedTimers = timers{keepalive: "3", warntime: "5", deadtime: "10", dampen: "5s",
		beat: 3 * time.Second, dead: 10 * time.Second, patience: 90 * time.Second}
)

func (o Options) timers() timers {
	t := shortTimers
	if o.SeedTimers {
		t = seedTimers
	}
	if o.patience > 0 {
		t.patience = o.patience
	}
	return t
}
