package lab

import (
	"context"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Change is a moment at which other nodes were seen to hold the address than
// before.
type Change struct {
	At     time.Time
	Owners []string
}

// Sampler keeps the history of an address: which nodes held it, and when.
type Sampler struct {
	lab   *Lab
	addr  netip.Addr
	every time.Duration
	stop  chan struct{}
	done  chan struct{}

	mu      sync.Mutex
	history []Change
	last    time.Time
	count   int
	gap     time.Duration
	changed chan struct{}
}

// NewSampler begins to ask all nodes for the address, again and again after the
// given time; 1 ms is cheap enough. Stop ends it.
func (l *Lab) NewSampler(addr netip.Addr, every time.Duration) *Sampler {
	s := &Sampler{lab: l, addr: addr, every: every, stop: make(chan struct{}), done: make(chan struct{}), changed: make(chan struct{})}
	s.note(time.Now(), l.Sample(addr))
	go s.run()
	return s
}

// run has a thread of its own, with all the priority it can get, and sleeps in
// the kernel: on a busy machine a sample that is late is a moment not seen.
func (s *Sampler) run() {
	defer close(s.done)
	// The thread is not unlocked; its priority ends with it. Without the right
	// to a priority the samples come as they can; Quality tells.
	runtime.LockOSThread()
	_ = unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_RR, Priority: 1,
		Flags: unix.SCHED_FLAG_RESET_ON_FORK}, 0)
	next := time.Now()
	for {
		select {
		case <-s.stop:
			return
		default:
		}
		if next = next.Add(s.every); time.Until(next) < 0 {
			next = time.Now()
		}
		pause := unix.NsecToTimespec(int64(max(time.Until(next), 0)))
		_ = unix.Nanosleep(&pause, nil)
		owners := s.lab.Sample(s.addr)
		s.note(time.Now(), owners)
	}
}

func (s *Sampler) note(now time.Time, owners []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.count > 0 {
		s.gap = max(s.gap, now.Sub(s.last))
	}
	s.count++
	s.last = now
	if len(s.history) > 0 && slices.Equal(s.history[len(s.history)-1].Owners, owners) {
		return
	}
	s.history = append(s.history, Change{At: now, Owners: owners})
	close(s.changed)
	s.changed = make(chan struct{})
}

// Stop ends the sampling; the history stays.
func (s *Sampler) Stop() {
	select {
	case <-s.stop:
	default:
		close(s.stop)
	}
	<-s.done
}

// Owners returns the nodes that held the address at the last sample.
func (s *Sampler) Owners() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.history[len(s.history)-1].Owners
}

// Wait returns when the owners satisfy the condition, with the time since when
// they are what they are. The error is that of ctx.
func (s *Sampler) Wait(ctx context.Context, cond func(owners []string) bool) (time.Time, error) {
	for {
		s.mu.Lock()
		last, changed := s.history[len(s.history)-1], s.changed
		s.mu.Unlock()
		if cond(last.Owners) {
			return last.At, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return time.Time{}, ctx.Err()
		}
	}
}

// History returns every change so far; the first entry is the first sample.
func (s *Sampler) History() []Change {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.history)
}

// Quality returns how many samples were taken and the longest time between two:
// what is shorter may have been missed.
func (s *Sampler) Quality() (samples int, longest time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count, s.gap
}

// Double returns for how long between the two times more than one node held the
// address. A moment of it that only one sample saw counts until the next sample.
func (s *Sampler) Double(from, to time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	var sum time.Duration
	for i, c := range s.history {
		if len(c.Owners) < 2 {
			continue
		}
		begin, end := c.At, s.last
		if i+1 < len(s.history) {
			end = s.history[i+1].At
		}
		if begin.Before(from) {
			begin = from
		}
		if end.After(to) {
			end = to
		}
		if end.After(begin) {
			sum += end.Sub(begin)
		}
	}
	return sum
}
