package lab

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Serial is a serial cable: two pseudo terminals joined at the pace of a line.
type Serial struct {
	// Ends are the devices, outside of all nodes; see [Spec].Devices.
	Ends [2]string

	pace  int // bytes a second
	cut   atomic.Bool
	stuck atomic.Bool
	files []*os.File
	stop  chan struct{}
	wg    sync.WaitGroup
}

// NewSerial makes a cable of a speed in bits a second, at 10 bits a byte each
// way. It carries until Close.
func NewSerial(baud int) (*Serial, error) {
	s := &Serial{pace: baud / 10, stop: make(chan struct{})}
	var masters [2]*os.File
	for i := range masters {
		m, name, err := openPTY()
		if err != nil {
			s.Close()
			return nil, fmt.Errorf("serial cable: %w", err)
		}
		s.files, masters[i], s.Ends[i] = append(s.files, m), m, name
		// Hold the other side open, or the master is told of hang-ups.
		hold, err := os.OpenFile(name, os.O_RDWR|unix.O_NOCTTY, 0)
		if err != nil {
			s.Close()
			return nil, fmt.Errorf("serial cable: %w", err)
		}
		s.files = append(s.files, hold)
	}
	s.wg.Go(func() { s.carry(masters[0], masters[1]) })
	s.wg.Go(func() { s.carry(masters[1], masters[0]) })
	return s, nil
}

// openPTY opens the outer side of a pseudo terminal and names the inner one.
func openPTY() (*os.File, string, error) {
	m, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, "", err
	}
	rc, err := m.SyscallConn()
	if err != nil {
		m.Close()
		return nil, "", err
	}
	var n int
	var ioErr error
	err = rc.Control(func(fd uintptr) {
		if ioErr = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); ioErr == nil {
			n, ioErr = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
		}
	})
	if err == nil {
		err = ioErr
	}
	if err != nil {
		m.Close()
		return nil, "", err
	}
	return m, fmt.Sprintf("/dev/pts/%d", n), nil
}

// Cut pulls the cable: what is written is lost.
func (s *Serial) Cut() { s.cut.Store(true) }

// Block lets nothing leave the devices, as when the other side holds the line:
// what is written waits, and then who writes.
func (s *Serial) Block() { s.stuck.Store(true) }

// Mend undoes Cut and Block.
func (s *Serial) Mend() {
	s.cut.Store(false)
	s.stuck.Store(false)
}

// Close ends the cable.
func (s *Serial) Close() {
	close(s.stop)
	for _, f := range s.files {
		f.Close()
	}
	s.wg.Wait()
}

// carry passes bytes on, a slice of them at a time. What the line could have
// carried while this goroutine slept is made up for, up to a tenth of a second.
func (s *Serial) carry(to, from *os.File) {
	const slice = 10 * time.Millisecond
	b := make([]byte, s.pace/10+1)
	tick := time.NewTicker(slice)
	defer tick.Stop()
	last := time.Now()
	credit := 0.0
	for {
		select {
		case <-s.stop:
			return
		case <-tick.C:
		}
		now := time.Now()
		if s.stuck.Load() {
			last = now
			continue
		}
		credit = min(credit+now.Sub(last).Seconds()*float64(s.pace), float64(len(b)))
		last = now
		from.SetReadDeadline(now.Add(slice))
		n, err := from.Read(b[:int(credit)])
		if err != nil && !os.IsTimeout(err) {
			select {
			case <-s.stop:
				return
			default: // the node's side was closed and opened again
				continue
			}
		}
		if credit -= float64(n); !s.cut.Load() {
			to.Write(b[:n])
		}
	}
}
