package pengine

import (
	"strings"

	"github.com/quorate/quorate/cib"
)

// leaveAlone remembers what a bundle consists of, so that its history does not
// look like that of an orphan, which would be stopped.
func (s *scheduler) leaveAlone(bundle *cib.Element) {
	if s.foreign == nil {
		s.foreign = map[string]bool{}
	}
	id := bundle.ID()
	for _, kind := range []string{"docker", "podman", "rkt", "ip"} {
		s.foreign[id+"-"+kind+"-"] = true
	}
	s.foreign[id+"-"] = true
	if p := bundle.First("primitive"); p != nil {
		s.foreign[p.ID()] = true
	}
}

// isForeign reports whether a history belongs to something that is left alone.
func (s *scheduler) isForeign(id string) bool {
	if len(s.foreign) == 0 {
		return false
	}
	if s.foreign[baseID(id)] {
		return true
	}
	for p := range s.foreign {
		if strings.HasSuffix(p, "-") && strings.HasPrefix(id, p) {
			return true
		}
	}
	return false
}
