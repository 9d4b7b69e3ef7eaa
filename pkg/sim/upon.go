package sim

import (
	"slices"

	"github.com/quorate/quorate/ccm/agree"
)

// A step may wait for a moment of the protocol: "at 40s upon sync crash n3" takes
// effect the next time, from 40 s on, that somebody has sent a state. Moments last
// for microseconds; no random time would meet them.

// moments that a step can wait for, with what they are.
var moments = []string{
	"propose", "promise", "sync", "synced", "open", "change", "ack", // sent, by the node that is named
	"write", // a write to the disk of the node begins
	"view",  // the node installs a view with quorum
	"lease", // the lease of the node is over
	"start", // an agent of the node begins a start or promote
	"stop",  // an agent of the node begins a stop
}

// arm makes a step wait for its moment.
func (s *sim) arm(e *Step) { s.armed = append(s.armed, e) }

// upon is a moment: what waits for it happens now, before anything else does.
func (s *sim) upon(moment string, n *node) {
	if len(s.armed) == 0 || s.quiet {
		return
	}
	s.armed = slices.DeleteFunc(s.armed, func(e *Step) bool {
		if e.Upon != moment || e.Of != "" && e.Of != n.name {
			return false
		}
		s.at(0, func() {
			if !s.quiet {
				s.apply(e)
			}
		})
		return true
	})
}

// sent is the moment of a message.
func (s *sim) sent(n *node, msg agree.Message) {
	if len(s.armed) == 0 {
		return
	}
	switch msg.(type) {
	case *agree.Propose:
		s.upon("propose", n)
	case *agree.Promise:
		s.upon("promise", n)
	case *agree.Sync:
		s.upon("sync", n)
	case *agree.Synced:
		s.upon("synced", n)
	case *agree.Open:
		s.upon("open", n)
	case *agree.Changes:
		s.upon("change", n)
	case *agree.Ack:
		s.upon("ack", n)
	}
}
