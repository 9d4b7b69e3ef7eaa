package lrm

import (
	"container/heap"
	"maps"
	"slices"
	"time"
)

// task is one execution that is waiting or under way.
type task struct {
	op     Op
	callID int
	// queued is when it began to wait for its turn.
	queued time.Time
	// rec is set for the repeats of a recurring operation; due is when this one was.
	rec *recurring
	due time.Time
	// began is when it was started; freed tells that it has given its slot back.
	began time.Time
	freed bool
	// done takes the result besides the channel of results; it may be nil.
	done func(Result)
}

// recurring is an operation that repeats until cancelled.
type recurring struct {
	op        Op
	callID    int
	cancelled bool
	// began is when the last run began.
	began time.Time
	// reported is false until the first result went out; last is the newest.
	reported bool
	last     Result
}

// lane is the queue of one resource: one execution at a time, in order.
type lane struct {
	queue   []*task
	current *task
	// listed tells that the lane waits for a slot.
	listed bool
}

// schedule decides what runs when. It is a machine without clock or goroutine:
// the times come in as arguments.
type schedule struct {
	limit, running int // running is how many hold a slot
	// holding are the tasks that hold a slot, in the order of their beginnings.
	holding   []*task
	calls     int
	lanes     map[string]*lane
	recurring map[string]*recurring
	timers    timerHeap
	repeats   Repeats
	// ready are the lanes with something to run, in order of arrival.
	ready []string
}

// slotTime is how long an execution holds its slot at most: one that takes longer
// waits for something rather than work, and must not hold up the others.
const slotTime = 5 * time.Second

func newSchedule(limit int) *schedule {
	return &schedule{limit: limit, lanes: map[string]*lane{}, recurring: map[string]*recurring{}}
}

// changesState tells operations after which recurring ones no longer apply.
func changesState(op *Op) bool {
	if op.Interval > 0 {
		return false
	}
	switch op.Name {
	case "start", "stop", "promote", "demote", "migrate_to", "migrate_from":
		return true
	}
	return false
}

// submit accepts an operation. A recurring one replaces an earlier one of its
// key; one that changes the state ends the resource's recurring ones, as the
// policy engine orders those anew for the new state. Those that end before their
// first result are returned, and what was to change the state after a delay that
// is not over: it must not come after what was commanded later.
func (s *schedule) submit(op Op, now time.Time, done func(Result)) (lost []*recurring, late []*task) {
	s.calls++
	t := &task{op: op, callID: s.calls, queued: now, done: done}
	if changesState(&op) {
		lost = s.endRecurring(op.Resource)
		late = s.untime(func(t *task) bool { return t.op.Resource == op.Resource && changesState(&t.op) })
	}
	if op.Interval > 0 {
		if old := s.recurring[op.Key()]; old != nil {
			s.drop(old)
			if !old.reported {
				lost = append(lost, old)
			}
		}
		t.rec = &recurring{op: op, callID: s.calls}
		s.recurring[op.Key()] = t.rec
	}
	if op.StartDelay > 0 {
		heap.Push(&s.timers, timer{due: now.Add(op.StartDelay), task: t})
	} else {
		s.enqueue(t)
	}
	return lost, late
}

func (s *schedule) enqueue(t *task) {
	l := s.lanes[t.op.Resource]
	if l == nil {
		l = &lane{}
		s.lanes[t.op.Resource] = l
	}
	l.queue = append(l.queue, t)
	s.list(t.op.Resource, l)
}

func (s *schedule) list(resource string, l *lane) {
	if l.current == nil && len(l.queue) > 0 && !l.listed {
		l.listed = true
		s.ready = append(s.ready, resource)
	}
}

// tick moves what is due into the queues and returns what is to be started now.
func (s *schedule) tick(now time.Time) []*task {
	for len(s.timers) > 0 && !s.timers[0].due.After(now) {
		first := heap.Pop(&s.timers).(timer)
		t := first.task
		t.queued, t.due = now, first.due
		s.enqueue(t)
	}
	for len(s.holding) > 0 && !s.holding[0].began.Add(slotTime).After(now) {
		s.free(s.holding[0])
	}
	var out []*task
	for s.running < s.limit && len(s.ready) > 0 {
		l := s.lanes[s.ready[0]]
		s.ready = s.ready[1:]
		l.listed = false
		if len(l.queue) == 0 {
			continue
		}
		l.current, l.queue = l.queue[0], l.queue[1:]
		s.running++
		l.current.began, l.current.freed = now, false
		s.holding = append(s.holding, l.current)
		if l.current.rec != nil {
			l.current.rec.began = now
			s.repeats.note(l.current, now)
		}
		out = append(out, l.current)
	}
	return out
}

// next returns when tick has something to do although nothing happened.
func (s *schedule) next() (time.Time, bool) {
	due, ok := time.Time{}, false
	if len(s.timers) > 0 {
		due, ok = s.timers[0].due, true
	}
	if len(s.ready) > 0 && len(s.holding) > 0 {
		if t := s.holding[0].began.Add(slotTime); !ok || t.Before(due) {
			due, ok = t, true
		}
	}
	return due, ok
}

// free takes the slot of a task back.
func (s *schedule) free(t *task) {
	if t.freed {
		return
	}
	t.freed = true
	s.running--
	if i := slices.Index(s.holding, t); i >= 0 {
		s.holding = slices.Delete(s.holding, i, i+1)
	}
}

// finished takes the result of an execution. It tells whether the result is to
// be reported (a repeat only when it differs from the last), and the result with
// the time of the last change.
func (s *schedule) finished(t *task, r Result, now time.Time) (Result, bool) {
	l := s.lanes[t.op.Resource]
	l.current = nil
	s.free(t)
	s.list(t.op.Resource, l)
	if len(l.queue) == 0 {
		delete(s.lanes, t.op.Resource)
	}
	r.LastRCChange = r.LastRun
	if t.rec == nil {
		return r, true
	}
	if t.rec.cancelled {
		return r, false
	}
	changed := !t.rec.reported || r.RC != t.rec.last.RC || r.Status != t.rec.last.Status
	r.Recurring = t.rec.reported
	if !changed {
		r.LastRCChange = t.rec.last.LastRCChange
	}
	t.rec.last, t.rec.reported = r, true
	// The interval counts from beginning to beginning; a run that took longer
	// is followed by a whole interval, so that others get their turn.
	due := t.rec.began.Add(t.op.Interval)
	if !due.After(now) {
		due = now.Add(t.op.Interval)
	}
	heap.Push(&s.timers, timer{due: due, task: &task{op: t.op, callID: t.callID, rec: t.rec}})
	return r, changed
}

// drop ends a recurring operation: its waiting repeat goes, and the result of
// one under way will not count.
func (s *schedule) drop(rec *recurring) {
	rec.cancelled = true
	if s.recurring[rec.op.Key()] == rec {
		delete(s.recurring, rec.op.Key())
	}
	match := func(t *task) bool { return t.rec == rec }
	s.unqueue(rec.op.Resource, match)
	s.untime(match)
}

// endRecurring ends all recurring operations of a resource and returns those
// without a first result.
func (s *schedule) endRecurring(resource string) (lost []*recurring) {
	for _, key := range slices.Sorted(maps.Keys(s.recurring)) {
		rec := s.recurring[key]
		if rec.op.Resource == resource {
			s.drop(rec)
			if !rec.reported {
				lost = append(lost, rec)
			}
		}
	}
	return lost
}

// cancel withdraws an operation: a recurring one, or all of that name that still
// wait. It returns what was withdrawn. An execution under way goes on.
func (s *schedule) cancel(resource, name string, interval time.Duration) []*task {
	if interval > 0 {
		rec := s.recurring[OpKey(resource, name, interval)]
		if rec == nil {
			return nil
		}
		s.drop(rec)
		return []*task{{op: rec.op, callID: rec.callID, rec: rec}}
	}
	match := func(t *task) bool { return t.op.Resource == resource && t.op.Name == name && t.op.Interval == 0 }
	return append(s.unqueue(resource, match), s.untime(match)...)
}

// untime removes tasks that are not due yet.
func (s *schedule) untime(match func(*task) bool) (gone []*task) {
	keep := s.timers[:0:0]
	for _, t := range s.timers {
		if match(t.task) {
			gone = append(gone, t.task)
		} else {
			keep = append(keep, t)
		}
	}
	if len(gone) > 0 {
		s.timers = keep
		heap.Init(&s.timers)
	}
	return gone
}

// unqueue removes waiting tasks of a resource.
func (s *schedule) unqueue(resource string, match func(*task) bool) (gone []*task) {
	l := s.lanes[resource]
	if l == nil {
		return nil
	}
	keep := l.queue[:0:0]
	for _, t := range l.queue {
		if match(t) {
			gone = append(gone, t)
		} else {
			keep = append(keep, t)
		}
	}
	l.queue = keep
	if l.current == nil && len(l.queue) == 0 && !l.listed {
		delete(s.lanes, resource)
	}
	return gone
}

// clear withdraws everything that waits, recurring operations included but for
// those of resources that stay, and
// returns the withdrawn tasks that nobody has a result of yet. A first run of a
// recurring operation that is under way is among them, as it will not be reported.
func (s *schedule) clear(stays func(resource string) bool) (gone []*task) {
	for key, rec := range s.recurring {
		if !stays(rec.op.Resource) {
			rec.cancelled = true
			delete(s.recurring, key)
		}
	}
	over := func(t *task) bool { return t.rec == nil || t.rec.cancelled }
	for _, name := range slices.Sorted(maps.Keys(s.lanes)) {
		if t := s.lanes[name].current; t != nil && t.rec != nil && t.rec.cancelled && !t.rec.reported {
			gone = append(gone, t)
		}
	}
	unheard := func(ts []*task) {
		for _, t := range ts {
			if t.rec == nil || !t.rec.reported {
				gone = append(gone, t)
			}
		}
	}
	unheard(s.untime(over))
	for _, name := range slices.Sorted(maps.Keys(s.lanes)) {
		unheard(s.unqueue(name, over))
	}
	return gone
}

// timer is a task that becomes due.
type timer struct {
	due  time.Time
	task *task
}

type timerHeap []timer

func (h timerHeap) Len() int           { return len(h) }
func (h timerHeap) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h timerHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *timerHeap) Push(x any)        { *h = append(*h, x.(timer)) }
func (h *timerHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}

// pending returns the operations that wait for a first or only execution or are
// under way.
func (s *schedule) pending() []Op {
	var out []Op
	add := func(t *task) {
		if t.rec == nil || !t.rec.reported {
			out = append(out, t.op)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.lanes)) {
		l := s.lanes[name]
		if l.current != nil {
			add(l.current)
		}
		for _, t := range l.queue {
			add(t)
		}
	}
	for _, t := range s.timers {
		add(t.task)
	}
	return out
}
