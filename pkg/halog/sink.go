package halog

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// maxWaiting is how many lines wait for a sink.
const maxWaiting = 10000

// Sink takes lines, in order, without letting anybody wait.
type Sink struct {
	name  string
	write func([]Record) error
	say   func(level string, text string)
	level string // of a failure

	mu      sync.Mutex
	changed *sync.Cond
	waiting []Record
	lost    int
	writing bool
	closed  bool
	broken  bool
}

// newSink returns a sink that works by write; say tells of its failures.
func newSink(name string, write func([]Record) error, say func(level, text string)) *Sink {
	s := &Sink{name: name, write: write, say: say, level: "ERROR"}
	s.changed = sync.NewCond(&s.mu)
	go s.run()
	return s
}

// Put queues a line.
func (s *Sink) Put(r Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.waiting) >= maxWaiting {
		s.lost++
		return
	}
	s.waiting = append(s.waiting, r)
	s.changed.Broadcast()
}

// Broken reports whether the last attempt failed.
func (s *Sink) Broken() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.broken
}

func (s *Sink) run() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		for len(s.waiting) == 0 && !s.closed {
			s.changed.Wait()
		}
		if len(s.waiting) == 0 {
			return
		}
		batch := s.waiting
		s.waiting, s.writing = nil, true
		s.mu.Unlock()
		err := s.write(batch)
		s.mu.Lock()
		s.writing = false
		said, lost := "", s.lost
		level := s.level
		switch {
		case err != nil:
			if s.lost += len(batch); !s.broken {
				s.broken = true
				said = fmt.Sprintf("%s cannot be written: %v; the daemon goes on without it and tries again", s.name, reason(err))
			}
		case s.broken || lost > 0:
			s.broken, s.lost = false, 0
			level, said = "WARN", fmt.Sprintf("%s is written again; %d lines are not in it", s.name, lost)
		}
		s.changed.Broadcast()
		if said != "" && s.say != nil && !s.closed {
			s.mu.Unlock()
			s.say(level, said)
			s.mu.Lock()
		}
	}
}

// reason is an error with its remedy.
func reason(err error) error {
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("%w (its directory must exist: make it)", err)
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("%w (the disk is full: make room)", err)
	}
	return err
}

// Close ends the sink when all is written, or when the time is over.
func (s *Sink) Close(within time.Duration) {
	over := false
	t := time.AfterFunc(within, func() {
		s.mu.Lock()
		over = true
		s.changed.Broadcast()
		s.mu.Unlock()
	})
	defer t.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.changed.Broadcast()
	for (len(s.waiting) > 0 || s.writing) && !over {
		s.changed.Wait()
	}
}

// NewFile returns a sink that appends to a file, which is opened for each batch:
// it may be moved away or removed at any time. format makes the line.
func NewFile(path string, format func(*Record) string, say func(level, text string)) *Sink {
	return newSink(path, func(batch []Record) error {
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
		var b []byte
		for i := range batch {
			b = append(b, format(&batch[i])...)
		}
		_, err = f.Write(b)
		return errors.Join(err, f.Close())
	}, say)
}

// SyslogSocket is where syslog listens.
const SyslogSocket = "/dev/log"

// NewSyslog returns a sink that sends lines to the socket of syslog under a
// facility.
func NewSyslog(socket string, facility int, say func(level, text string)) *Sink {
	var c net.Conn
	s := newSink("syslog ("+socket+")", func(batch []Record) (err error) {
		for i := range batch {
			r := &batch[i]
			text := fmt.Sprintf("<%d>%s %s", facility*8+severity(r.Level), r.Time.Format(time.Stamp), r.message())
			for try := 0; try < 2; try++ {
				if c == nil {
					if c, err = net.Dial("unixgram", socket); err != nil {
						c = nil
						return fmt.Errorf("nobody listens: %v", err)
					}
				}
				if err = c.SetWriteDeadline(time.Now().Add(time.Second)); err == nil {
					_, err = c.Write([]byte(text))
				}
				if err == nil {
					break
				}
				c.Close() // syslog has been restarted, maybe
				c = nil
			}
			if err != nil {
				return err
			}
		}
		return nil
	}, say)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.level = "WARN" // many a container has none
	return s
}
