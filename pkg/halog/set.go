package halog

import (
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/quorate/quorate/pkg/hacf"
)

// Options are what a set needs beside ha.cf.
type Options struct {
	// Syslog and Logd are the sockets of syslog and of ha_logd.
	Syslog, Logd string
	// Say takes what a sink tells of itself; it must not be written to that sink
	// alone.
	Say func(level, text string)
}

// Set is the sinks that ha.cf chooses.
type Set struct {
	all    []*Sink // every line
	normal []*Sink // all but debug
	logd   *Sink
}

// Open chooses the sinks:
//
//   - use_logd, or no place at all: ha_logd, and nothing else while it runs.
//   - logfile gets every line but those of debug, debugfile all of them, and
//     syslog, under logfacility, those of logfile and with debug also the rest.
//     "none" is no syslog.
func Open(l hacf.Log, o Options) *Set {
	s := new(Set)
	shape := (*Record).File
	if l.SyslogFormat {
		host := hostname()
		shape = func(r *Record) string { return r.Syslog(host) }
	}
	if l.File != "" {
		s.normal = append(s.normal, NewFile(l.File, shape, o.Say))
	}
	if l.DebugFile != "" {
		s.all = append(s.all, NewFile(l.DebugFile, shape, o.Say))
	}
	if n, known := Facilities[l.Facility]; known {
		socket := o.Syslog
		if socket == "" {
			socket = SyslogSocket
		}
		sys := NewSyslog(socket, n, o.Say)
		if l.Debug > 0 {
			s.all = append(s.all, sys)
		} else {
			s.normal = append(s.normal, sys)
		}
	}
	if l.Logd() {
		s.logd = NewLogd(o.Logd, l.ReconnectInterval, s.direct, o.Say)
	}
	return s
}

// direct writes past ha_logd.
func (s *Set) direct(r Record) {
	for _, x := range s.all {
		x.Put(r)
	}
	if r.Level >= slog.LevelInfo {
		for _, x := range s.normal {
			x.Put(r)
		}
	}
}

// Put writes a line where it belongs.
func (s *Set) Put(r Record) {
	if s.logd != nil {
		s.logd.Put(r)
		return
	}
	s.direct(r)
}

// Close ends all sinks, each within the time given.
func (s *Set) Close(within time.Duration) {
	if s.logd != nil {
		s.logd.Close(within)
	}
	for _, x := range append(s.all, s.normal...) {
		x.Close(within)
	}
}

// Switch is a place for a set that comes later: what is put before is dropped.
type Switch struct{ set atomic.Pointer[Set] }

// Turn puts a set in the place of the one before, which is closed.
func (s *Switch) Turn(to *Set) {
	if old := s.set.Swap(to); old != nil {
		old.Close(time.Second)
	}
}

// Put writes a line if there is a set.
func (s *Switch) Put(r Record) {
	if set := s.set.Load(); set != nil {
		set.Put(r)
	}
}
