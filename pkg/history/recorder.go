package history

import (
	"sync"
	"time"
)

// Recorder adds documents to a store from a goroutine of its own.
type Recorder struct {
	store  *Store
	failed func(error)

	mu      sync.Mutex
	pending []Change
	wake    chan struct{}
	closing chan struct{}
	done    chan struct{}
	closed  bool
}

// pace is the pause after each write: a single change is on the disk at once,
// and of a stream of them many go together, or the memory would slow down what
// it remembers.
const pace = 500 * time.Millisecond

// maxPending bounds what waits for a slow disk; beyond it the middle is left
// out, which shows as a step of several versions.
const maxPending = 5000

// NewRecorder starts recording. failed is called for each write that fails, and
// with nil for one that succeeds after that.
func NewRecorder(s *Store, failed func(error)) *Recorder {
	r := &Recorder{store: s, failed: failed, wake: make(chan struct{}, 1), closing: make(chan struct{}), done: make(chan struct{})}
	go r.run()
	return r
}

// Record notes a document; it never waits.
func (r *Recorder) Record(c Change) {
	r.mu.Lock()
	if len(r.pending) >= maxPending {
		r.pending = r.pending[:len(r.pending)-1]
	}
	r.pending = append(r.pending, c)
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (r *Recorder) run() {
	defer close(r.done)
	bad := false
	for range r.wake {
		r.mu.Lock()
		todo, closed := r.pending, r.closed
		r.pending = nil
		r.mu.Unlock()
		if len(todo) > 0 {
			if err := r.store.Add(todo...); err != nil || bad {
				bad = err != nil
				r.failed(err)
			}
		}
		if closed {
			return
		}
		select {
		case <-time.After(pace):
		case <-r.closing:
		}
	}
}

// Close writes what waits and closes the store.
func (r *Recorder) Close() error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	close(r.closing)
	select {
	case r.wake <- struct{}{}:
	default:
	}
	<-r.done
	return r.store.Close()
}
