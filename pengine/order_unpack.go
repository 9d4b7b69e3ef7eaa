package pengine

import (
	"strings"

	"github.com/quorate/quorate/cib"
)

// order is an ordering between actions, which may not exist yet.
type order struct {
	id           string
	rsc1, rsc2   *resource
	task1, task2 string
	ival1, ival2 int64
	act1, act2   *action
	flags        uint32
}

type orderKind uint8

const (
	orderMandatory orderKind = iota
	orderOptional
	orderSerialize
)

type symmetry uint8

const (
	symAsymmetric symmetry = iota
	symSymmetric
	symInverse
)

var inverseTask = map[string]string{tStart: tStop, tStop: tStart, tPromote: tDemote, tDemote: tPromote,
	tPromoted: tDemoted, tDemoted: tPromoted, tRunning: tStopped, tStopped: tRunning}

func (s *scheduler) addOrder(o *order) {
	if o.rsc1 == nil && o.act1 == nil || o.rsc2 == nil && o.act2 == nil {
		return
	}
	if o.act1 != nil && o.rsc1 == nil {
		o.rsc1 = o.act1.rsc
	}
	if o.act2 != nil && o.rsc2 == nil {
		o.rsc2 = o.act2.rsc
	}
	if o.act1 != nil && o.task1 == "" {
		o.task1, o.ival1 = o.act1.task, o.act1.interval
	}
	if o.act2 != nil && o.task2 == "" {
		o.task2, o.ival2 = o.act2.task, o.act2.interval
	}
	s.orders = append(s.orders, o)
	s.migrationOrder(o)
}

// migrationOrder adds what an ordering means when one side migrates.
func (s *scheduler) migrationOrder(o *order) {
	f, t := o.rsc1, o.rsc2
	if f == nil || t == nil || f == t || !t.is(rMigratable) || isParent(f, t) || isParent(t, f) {
		return
	}
	flags := oOptional
	if f.is(rMigratable) {
		flags |= oApplyFirstNonMigr
	}
	switch {
	case o.task1 == tStart && o.task2 == tStart:
		if f.is(rMigratable) {
			s.orderTasks(f, tMigrateFrom, t, tMigrateTo, oOptional)
		}
		s.orderTasks(f, tStart, t, tMigrateTo, flags)
	case o.task1 == tStop && o.task2 == tStop:
		s.orderTasks(f, tStop, t, tMigrateTo, flags)
		if t.migrateTo != nil {
			s.orderTasks(f, tStop, t, tMigrateFrom, flags)
		}
	case o.task1 == tPromote && o.task2 == tStart:
		s.orderTasks(f, tPromote, t, tMigrateTo, oOptional)
	case o.task1 == tDemote && o.task2 == tStop:
		s.orderTasks(f, tDemote, t, tMigrateTo, oOptional)
		if t.migrateTo != nil {
			s.orderTasks(f, tDemote, t, tMigrateFrom, oOptional)
		}
	}
}

// orderTasks orders a task of one resource before a task of another.
func (s *scheduler) orderTasks(first *resource, task1 string, then *resource, task2 string, flags uint32) {
	s.addOrder(&order{rsc1: first, task1: task1, rsc2: then, task2: task2, flags: flags})
}

func (s *scheduler) orderKind(e *cib.Element) orderKind {
	v, ok := e.Lookup("kind")
	if !ok {
		if sc, ok := e.Lookup("score"); ok && parseScore(sc) == 0 {
			return orderOptional
		}
		return orderMandatory
	}
	switch {
	case strings.EqualFold(v, "Mandatory"):
		return orderMandatory
	case strings.EqualFold(v, "Optional"):
		return orderOptional
	case strings.EqualFold(v, "Serialize"):
		return orderSerialize
	}
	s.errorf("order %s has the unknown kind %q: Mandatory is used", e.ID(), v)
	return orderMandatory
}

func (s *scheduler) orderSymmetry(e *cib.Element, kind orderKind, parent string) symmetry {
	v, ok := e.Lookup("symmetrical")
	if !ok {
		v = parent
	}
	if b, ok := parseBool(v); ok {
		if b {
			if kind == orderSerialize {
				s.warnf("order %s: symmetrical has no meaning with kind Serialize", e.ID())
				return symAsymmetric
			}
			return symSymmetric
		}
		return symAsymmetric
	}
	if kind == orderSerialize {
		return symAsymmetric
	}
	return symSymmetric
}

// orderFlags is what a constraint means for the two actions that it orders.
// Every kind is a pure ordering too, so that the first of several constraints
// about the same two actions wins.
func orderFlags(kind orderKind, first string, sym symmetry) uint32 {
	switch kind {
	case orderOptional:
		return oOptional
	case orderSerialize:
		return oOptional | oSerialize
	}
	switch sym {
	case symAsymmetric:
		return oOptional | oAsymmetrical
	case symInverse:
		return oOptional | oImpliesFirst
	}
	f := oOptional | oImpliesThen
	if first == tStart || first == tPromote {
		f |= oRunnableLeft
	}
	return f
}

func (s *scheduler) unpackOrder(e *cib.Element) {
	kind := s.orderKind(e)
	sym := s.orderSymmetry(e, kind, "")
	if sets, found := s.constraintSets(e); found {
		for i, set := range sets {
			s.orderSet(e, set, kind)
			if i > 0 {
				s.orderSets(sets[i-1], set, kind, sym)
				if sym == symSymmetric {
					s.orderSets(set, sets[i-1], kind, symInverse)
				}
			}
		}
		return
	}
	fa := orDefault(e.Get("first-action"), tStart)
	ta := orDefault(e.Get("then-action"), fa)
	first, plain1 := s.simpleSet(e, e.Get("first"), "", fa)
	then, plain2 := s.simpleSet(e, e.Get("then"), "", ta)
	if first == nil || then == nil {
		return
	}
	if !plain1 || !plain2 {
		s.orderSets(first, then, kind, sym)
		if sym == symSymmetric {
			s.orderSets(then, first, kind, symInverse)
		}
		return
	}
	f, t := first.rscs[0], then.rscs[0]
	flags := orderFlags(kind, fa, sym)
	if kind == orderOptional && t.restartWithDep {
		flags |= oImpliesThen // restart-type=restart: it restarts with the first all the same
	}
	need := 0
	if f.isClone() {
		need = f.cloneMin
		if b, ok := parseBool(e.Get("require-all")); ok && !b && need == 0 {
			s.warnf("order %s: require-all is deprecated: the meta attribute clone-min of clone %s says the same", e.ID(), f.id)
			need = 1
		}
	}
	if need > 0 {
		s.cloneMinOrder(e.ID(), f, fa, t, ta, flags, need)
	} else {
		s.addOrder(&order{id: e.ID(), rsc1: f, task1: fa, rsc2: t, task2: ta, flags: flags})
	}
	if sym == symSymmetric {
		ifa, ok1 := inverseTask[fa]
		ita, ok2 := inverseTask[ta]
		if !ok1 || !ok2 {
			s.errorf("order %s: the inverse of %s then %s does not exist", e.ID(), fa, ta)
			return
		}
		s.addOrder(&order{id: e.ID(), rsc1: t, task1: ita, rsc2: f, task2: ifa, flags: orderFlags(kind, ifa, symInverse)})
	}
}

// cloneMinOrder orders then after a number of instances of a clone.
func (s *scheduler) cloneMinOrder(id string, f *resource, fa string, t *resource, ta string, flags uint32, need int) {
	a := s.newGlobal("clone-one-or-more:"+id, "clone-one-or-more:"+id, nil, true)
	a.set(aPseudo | aRunnable | aMinRunnable)
	a.requiredBefore = need
	for _, c := range f.children {
		s.addOrder(&order{id: id, rsc1: c, task1: fa, act2: a, flags: oOneOrMore | oImpliesThenPrinted})
	}
	s.addOrder(&order{id: id, act1: a, rsc2: t, task2: ta, flags: flags | oRunnableLeft})
}

func (s *scheduler) orderSet(e *cib.Element, set *rscSet, kind orderKind) {
	task := orDefault(set.action, tStart)
	if _, ok := set.xml.Lookup("kind"); ok {
		kind = s.orderKind(set.xml)
	}
	sym := s.orderSymmetry(set.xml, kind, e.Get("symmetrical"))
	flags := orderFlags(kind, task, sym)
	var last *resource
	for i, r := range set.rscs {
		if kind == orderSerialize {
			for _, t := range set.rscs[i+1:] {
				s.addOrder(&order{id: set.id, rsc1: r, task1: task, rsc2: t, task2: task, flags: flags})
			}
		} else if set.sequential {
			if last != nil {
				s.orderTasks(last, task, r, task, flags)
			}
			last = r
		}
	}
	if sym == symAsymmetric || !set.sequential {
		return
	}
	inv, ok := inverseTask[task]
	if !ok {
		return
	}
	flags = orderFlags(kind, inv, symInverse)
	last = nil
	for _, r := range set.rscs {
		if last != nil {
			s.orderTasks(r, inv, last, inv, flags)
		}
		last = r
	}
}

func (s *scheduler) orderSets(a, b *rscSet, kind orderKind, sym symmetry) {
	t1, t2 := orDefault(a.action, tStart), orDefault(b.action, tStart)
	if sym == symInverse {
		var ok1, ok2 bool
		t1, ok1 = inverseTask[t1]
		t2, ok2 = inverseTask[t2]
		if !ok1 || !ok2 {
			return
		}
	}
	requireAll := a.requireAll
	if t1 == tStop || t1 == tDemote {
		// One of many is enough only on the way up.
		requireAll = true
	}
	// Of sets it is what the second does that tells whether it needs the first.
	flags := orderFlags(kind, t2, sym)
	if !requireAll {
		act := s.newGlobal("one-or-more:"+a.id, "one-or-more:"+a.id, nil, true)
		act.set(aPseudo | aRunnable | aRequiresAny)
		for _, r := range a.rscs {
			s.addOrder(&order{id: a.id, rsc1: r, task1: t1, act2: act, flags: oOneOrMore | oImpliesThenPrinted})
		}
		for _, r := range b.rscs {
			s.addOrder(&order{id: b.id, act1: act, rsc2: r, task2: t2, flags: flags | oRunnableLeft})
		}
		return
	}
	from, to := a.rscs, b.rscs
	if len(from) == 0 || len(to) == 0 {
		return
	}
	if a.chained {
		if sym == symInverse {
			from = from[:1]
		} else {
			from = from[len(from)-1:]
		}
	}
	if b.chained {
		if sym == symInverse {
			to = to[len(to)-1:]
		} else {
			to = to[:1]
		}
	}
	for _, x := range from {
		for _, y := range to {
			s.orderTasks(x, t1, y, t2, flags)
		}
	}
}
