package daemon

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// maxLogQueue is how many bytes of log wait for whoever takes them.
const maxLogQueue = 1 << 20

// logBound is how long the end of the daemon waits for its log to be taken.
const logBound = time.Second

// logQueue lets nobody wait for the log: a terminal that is stopped or a disk
// that does not answer must not stop the daemon. What does not fit is counted
// and told.
type logQueue struct {
	w io.Writer

	mu      sync.Mutex
	changed *sync.Cond
	waiting []byte
	lost    int // lines
	writing bool
	closed  bool
}

func newLogQueue(w io.Writer) *logQueue {
	q := &logQueue{w: w}
	q.changed = sync.NewCond(&q.mu)
	go q.run()
	return q
}

// Write implements io.Writer for whole lines. It never waits.
func (q *logQueue) Write(line []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed || len(q.waiting)+len(line) > maxLogQueue:
		q.lost++
	default:
		q.waiting = append(q.waiting, line...)
		q.changed.Broadcast()
	}
	return len(line), nil
}

func (q *logQueue) run() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		for len(q.waiting) == 0 && !q.closed {
			q.changed.Wait()
		}
		if len(q.waiting) == 0 {
			return
		}
		b := q.waiting
		if q.lost > 0 {
			b = fmt.Appendf(b, "heartbeat: %d lines of the log are lost: nobody took them in time\n", q.lost)
		}
		q.waiting, q.lost, q.writing = nil, 0, true
		q.mu.Unlock()
		q.w.Write(b)
		q.mu.Lock()
		q.writing = false
		q.changed.Broadcast()
	}
}

// close ends the queue when all is written, or when the time is over.
func (q *logQueue) close(within time.Duration) {
	over := false
	t := time.AfterFunc(within, func() {
		q.mu.Lock()
		over = true
		q.changed.Broadcast()
		q.mu.Unlock()
	})
	defer t.Stop()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.changed.Broadcast()
	for (len(q.waiting) > 0 || q.writing) && !over {
		q.changed.Wait()
	}
}
