package lrm

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// LRM executes the operations of this node. Its methods may be called from any
// goroutine; one goroutine, run, owns the state.
type LRM struct {
	cfg       Config
	journal   *journal
	leftovers []Leftover
	results   chan Result
	ended     chan *finish
	quit      chan struct{}
	gone      chan struct{}
	closeOnce sync.Once
	// scripts tells that a script was executed.
	scripts atomic.Bool
	known   traitsCache

	mu   sync.Mutex
	mail []func()
	wake chan struct{}

	// What follows is owned by run.
	core   *Core
	outbox []Result
	flight map[int]*flight
	load   throttle
}

// flight is an execution under way.
type flight struct {
	exec   *Execution
	cancel context.CancelCauseFunc
}

// finish is an execution that ended.
type finish struct {
	exec   *Execution
	result Result
}

// New starts a local resource manager. What an earlier daemon of this boot left
// active is believed active until a probe says otherwise; scripts it left in
// flight are killed. A journal that cannot be written is logged and done without.
func New(cfg Config) *LRM {
	l := &LRM{
		cfg: cfg.withDefaults(), results: make(chan Result), ended: make(chan *finish),
		quit: make(chan struct{}), gone: make(chan struct{}), wake: make(chan struct{}, 1),
		flight: map[int]*flight{}, known: traitsCache{m: map[[3]string]knownTraits{}, asking: map[[3]string]chan struct{}{}},
	}
	l.load = throttle{limit: l.cfg.MaxParallel, threshold: l.cfg.LoadThreshold, cpus: runtime.NumCPU(), read: loadAverage}
	l.core = newCore(l.cfg.MaxParallel, l.report, func(line journalLine) { l.journal.write(line) })
	j, old, err := openJournal(JournalFile(l.cfg.RunDir))
	if err != nil {
		l.cfg.Logger.Error(fmt.Sprintf("%v: a restarted daemon will not know what is active", err))
		j = &journal{}
	}
	l.journal = j
	l.takeOver(old)
	go l.run()
	return l
}

// takeOver deals with what an earlier daemon left.
func (l *LRM) takeOver(old journalState) {
	l.leftovers = old.leftovers()
	for _, n := range old.order {
		l.core.active.clock++
		a := old.active[n]
		l.core.active.m[n] = &activeResource{op: *a.op, began: l.core.active.clock, ended: l.core.active.clock, promoted: a.promoted}
	}
	for _, f := range old.flight {
		if f.Op == nil || f.Group == 0 {
			continue
		}
		if st, err := readStat(f.Group); err == nil && st.startTime == f.Started {
			l.cfg.Logger.Warn(fmt.Sprintf("%s of %s was in flight when an earlier daemon ended: killed %s", f.Op.Name, f.Op.Resource, killAll(f.Group, &cgroup{})))
		} else if unix.Kill(-f.Group, unix.SIGKILL) == nil {
			l.cfg.Logger.Warn(fmt.Sprintf("%s of %s was in flight when an earlier daemon ended: killed the rest of process group %d", f.Op.Name, f.Op.Resource, f.Group))
		}
	}
}

// Leftovers returns what an earlier daemon of this boot left active or in flight.
func (l *LRM) Leftovers() []Leftover { return l.leftovers }

// Execute queues an operation. Its result comes from [LRM.Results]. The map of
// parameters must not be changed afterwards.
func (l *LRM) Execute(op Op) { l.submit(op, nil) }

// submit queues an operation; done gets the result besides.
func (l *LRM) submit(op Op, done func(Result)) {
	l.post(func() { l.core.Submit(op, time.Now(), done) })
}

// Cancel withdraws a recurring operation, or (interval 0) those of that name that
// still wait for their turn. The answer is a result with status [Cancelled] for
// each, or one with CallID 0 when there was nothing to cancel. A run under way ends
// by itself; that of a recurring operation is not reported then.
func (l *LRM) Cancel(resource, name string, interval time.Duration) {
	l.post(func() { l.core.Cancel(resource, name, interval) })
}

// Results returns the channel of results: every operation's, and of recurring
// ones the first and each that differs from the one before. It is closed by Close.
func (l *LRM) Results() <-chan Result { return l.results }

// History returns the last result of every operation of every resource, and the
// last failure besides, by resource and in the order of the calls.
func (l *LRM) History() (out []Result) {
	l.ask(func() { out = l.core.hist.list() })
	return out
}

// Forget drops the history and the recurring operations of a resource. That it
// may be active is not forgotten: only a stop or a probe tells.
func (l *LRM) Forget(resource string) {
	l.post(func() { l.core.Forget(resource) })
}

// Active returns the resources believed active here, in the order of their
// starts; also those whose start or stop failed.
func (l *LRM) Active() (out []string) {
	l.ask(func() { out = l.core.Active() })
	return out
}

// ToRelease returns what [LRM.StopAll] would stop or demote, sorted.
func (l *LRM) ToRelease() (out []string) {
	l.ask(func() { out = l.core.ToRelease(l.cfg.releaseRules()) })
	return out
}

// InFlight returns the operations that wait or are being executed and have no
// result yet; repeats of recurring ones are not among them.
func (l *LRM) InFlight() (out []Op) {
	l.ask(func() { out = l.core.InFlight() })
	return out
}

// Close ends the executor: scripts under way are killed, resources stay as they
// are, and the channel of results is closed. The journal stays.
func (l *LRM) Close() {
	l.closeOnce.Do(func() { close(l.quit) })
	<-l.gone
}

// post hands a function to the goroutine that owns the state. It never blocks.
func (l *LRM) post(f func()) {
	l.mu.Lock()
	l.mail = append(l.mail, f)
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// ask runs a function on the state and waits for it; after Close it does not run.
func (l *LRM) ask(f func()) bool {
	done := make(chan struct{})
	l.post(func() { f(); close(done) })
	select {
	case <-done:
		return true
	case <-l.gone:
		return false
	}
}

// run owns the state.
func (l *LRM) run() {
	defer close(l.gone)
	defer close(l.results)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		l.core.SetLimit(l.load.allowed(time.Now()))
		for _, e := range l.core.Tick(time.Now()) {
			l.launch(e)
		}
		if due, ok := l.core.Due(); ok {
			timer.Reset(time.Until(due))
		} else {
			timer.Stop()
		}
		var out chan<- Result
		var first Result
		if len(l.outbox) > 0 {
			out, first = l.results, l.outbox[0]
		}
		select {
		case <-l.wake:
			l.mu.Lock()
			mail := l.mail
			l.mail = nil
			l.mu.Unlock()
			for _, f := range mail {
				f()
			}
		case f := <-l.ended:
			l.finished(f)
		case out <- first:
			l.outbox[0] = Result{}
			l.outbox = l.outbox[1:]
		case <-timer.C:
		case <-l.quit:
			l.shutdown()
			return
		}
	}
}

// launch begins an execution.
func (l *LRM) launch(e *Execution) {
	ctx, cancel := context.WithCancelCause(context.Background())
	l.flight[e.CallID()] = &flight{exec: e, cancel: cancel}
	waited := time.Since(e.Queued())
	go func() {
		r := l.execute(ctx, e.task)
		r.QueueTime = waited
		cancel(nil)
		select {
		case l.ended <- &finish{e, r}:
		case <-l.gone:
		}
	}()
}

// finished takes the end of an execution in.
func (l *LRM) finished(f *finish) {
	delete(l.flight, f.exec.CallID())
	l.core.Finished(f.exec, f.result, time.Now())
	if err := l.journal.takeError(); err != nil {
		l.cfg.Logger.Error(fmt.Sprintf("journal of the local resource manager: %v: a restarted daemon may not know what is active", err))
	}
}

// report sends a result out.
func (l *LRM) report(r Result, done func(Result)) {
	l.outbox = append(l.outbox, r)
	if done != nil {
		done(r)
	}
}

// shutdown ends what is under way.
func (l *LRM) shutdown() {
	for _, f := range l.flight {
		f.cancel(ErrClosed)
	}
	late := time.NewTimer(2 * killWait)
	defer late.Stop()
	for len(l.flight) > 0 {
		select {
		case f := <-l.ended:
			delete(l.flight, f.exec.CallID())
		case <-late.C:
			l.flight = nil
		}
	}
	l.journal.close()
	if l.scripts.Load() {
		removeCgroups()
	}
}
