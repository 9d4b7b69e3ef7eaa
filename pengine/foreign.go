package pengine

import (
	"strings"

	"github.com/quorate/quorate/cib"
)

// What an executor without Pacemaker Remote and bundles cannot carry out is left
// as it is ([Options.LocalOnly]).

// leaveAlone remembers what a bundle consists of, so that its history does not
// look like that of an orphan, which would be stopped.
func (s *scheduler) leaveAlone(bundle *cib.Element) {
	if s.foreign == nil {
		s.foreign = map[string]bool{}
	}
	id := bundle.ID()
	s.foreign[id+"-"] = true
	if p := bundle.First("primitive"); p != nil {
		s.foreign[p.ID()] = true
	}
}

// isForeign reports whether a history belongs to something that is left alone.
func (s *scheduler) isForeign(e *cib.Element) bool {
	if !s.opts.LocalOnly {
		return false
	}
	if isConnection(e) && s.rscByID[e.ID()] == nil {
		return true
	}
	if s.foreign[baseID(e.ID())] {
		return true
	}
	for p := range s.foreign {
		if strings.HasSuffix(p, "-") && strings.HasPrefix(e.ID(), p) {
			return true
		}
	}
	return false
}

// refuseRemote says which resources of a configuration cannot be executed, and
// sees to it that the connections among them are not managed.
func (s *scheduler) refuseRemote(r *resource) {
	if !s.opts.LocalOnly {
		return
	}
	if r.is(rConnection) {
		r.clear(rConnection | rManaged)
		s.warnf("resource %s connects to a remote node: this program does not execute Pacemaker Remote yet; it is left as it is, and nothing runs on that node", r.id)
	}
	if v := r.meta["remote-node"]; v != "" {
		s.warnf("resource %s contains the guest node %s: this program does not execute Pacemaker Remote yet; the resource runs, but nothing runs inside", r.id, v)
	}
}

// hasConnection reports whether a configured resource connects to a node.
func (s *scheduler) hasConnection(id, uname string) bool {
	is := func(v string) bool { return v != "" && (v == id || v == uname) }
	found := false
	s.root.Path("configuration", "resources").Walk(func(e *cib.Element) bool {
		switch {
		case isConnection(e) && is(e.ID()), e.Name == "nvpair" && e.Get("name") == "remote-node" && is(e.Get("value")):
			found = true
		}
		return !found
	})
	return found
}
