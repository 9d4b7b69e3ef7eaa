package pengine

import (
	"slices"
	"sort"
	"strings"

	"github.com/quorate/quorate/cib"
)

// deref follows an id-ref to the element it names, or returns e itself.
func (s *scheduler) deref(e *cib.Element) *cib.Element {
	if e == nil {
		return nil
	}
	ref, ok := e.Lookup("id-ref")
	if !ok {
		return e
	}
	if s.byID == nil {
		s.byID = map[string]*cib.Element{}
		s.root.Walk(func(x *cib.Element) bool {
			if id := x.ID(); id != "" {
				k := x.Name + "\x00" + id
				if _, dup := s.byID[k]; !dup {
					s.byID[k] = x
				}
			}
			return x.Name != "status"
		})
	}
	if t := s.byID[e.Name+"\x00"+ref]; t != nil {
		return t
	}
	s.errorf("%s refers by id-ref to %q, which does not exist", e.Name, ref)
	return e
}

// unpackSets evaluates the attribute sets with the given tag below parent, the
// highest score first, and calls put for every name not yet set. first names
// the id of a set that goes before all others.
//
// Among sets of equal score the last of the document wins, as Pacemaker has it
// (a resource's own sets follow those of its template).
func (s *scheduler) unpackSets(parent *cib.Element, tag, first string, d *ruleData, put func(name, value string)) {
	s.unpackSetsOrder(parent, tag, first, d, true, put)
}

func (s *scheduler) unpackSetsOrder(parent *cib.Element, tag, first string, d *ruleData, lastWins bool, put func(name, value string)) {
	var sets []*cib.Element
	for _, c := range parent.Children {
		if c.Name == tag {
			sets = append(sets, s.deref(c))
		}
	}
	if len(sets) > 1 {
		if lastWins {
			slices.Reverse(sets)
		}
		sort.SliceStable(sets, func(i, j int) bool {
			a, b := sets[i], sets[j]
			if first != "" && (a.ID() == first) != (b.ID() == first) {
				return a.ID() == first
			}
			return parseScore(a.Get("score")) > parseScore(b.Get("score"))
		})
	}
	for _, set := range sets {
		if !s.rulesPass(set, d) {
			continue
		}
		from := set
		if w := set.First("attributes"); w != nil {
			from = w
		}
		for _, nv := range from.Children {
			if nv.Name != "nvpair" {
				continue
			}
			ref := s.deref(nv)
			name := nv.Get("name")
			if name == "" {
				name = ref.Get("name")
			}
			value, ok := ref.Lookup("value")
			if name == "" || !ok || strings.EqualFold(value, "#default") {
				continue
			}
			put(name, value)
		}
	}
}

// putInto returns a put for unpackSets that keeps what is already there.
func putInto(m map[string]string) func(string, string) {
	return func(name, value string) {
		if _, ok := m[name]; !ok {
			m[name] = value
		}
	}
}
