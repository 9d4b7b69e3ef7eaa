package link

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

var errConnReset = errors.New("connection reset by peer")

// maxConnBuffer is how much a connection holds that nobody reads.
const maxConnBuffer = 8 << 20

// connID names a connection: ours says that this node opened it.
type connID struct {
	peer   string
	number uint32
	ours   bool
}

// conn is a connection made of messages. Closing it does not lose what is on the
// way, unlike net.Pipe.
type conn struct {
	wire *gossipWire
	id   connID

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced when a reader must look again
	buf      []byte
	err      error // what readers and writers get; io.EOF after the peer's end
	closed   bool
	opened   bool      // the peer knows of it
	deadline time.Time // for reading; writing never waits
	wdead    time.Time
}

// newConn makes and notes a connection; wire.mu is held.
func (w *gossipWire) newConn(id connID) *conn {
	c := &conn{wire: w, id: id, changed: make(chan struct{}), opened: !id.ours}
	w.conns[id] = c
	return c
}

// wake tells readers to look again; mu is held.
func (c *conn) wake() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// feed adds what the peer sent; false if too much waits.
func (c *conn) feed(b []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.buf)+len(b) > maxConnBuffer {
		return false
	}
	c.buf = append(c.buf, b...)
	c.wake()
	return true
}

// fin notes that the peer will send no more.
func (c *conn) fin() {
	c.mu.Lock()
	if c.err == nil {
		c.err = io.EOF
	}
	c.wake()
	c.mu.Unlock()
}

// end breaks the connection.
func (c *conn) end(err error) {
	c.mu.Lock()
	c.err = err
	c.wake()
	c.mu.Unlock()
	c.wire.forget(c.id)
}

func (w *gossipWire) forget(id connID) {
	w.mu.Lock()
	delete(w.conns, id)
	w.mu.Unlock()
}

// Read implements net.Conn.
func (c *conn) Read(b []byte) (int, error) {
	for {
		c.mu.Lock()
		changed, deadline := c.changed, c.deadline
		switch {
		case c.closed:
			c.mu.Unlock()
			return 0, net.ErrClosed
		case len(c.buf) > 0:
			n := copy(b, c.buf)
			if c.buf = c.buf[n:]; len(c.buf) == 0 {
				c.buf = nil
			}
			c.mu.Unlock()
			return n, nil
		case c.err != nil:
			defer c.mu.Unlock()
			return 0, c.err
		}
		c.mu.Unlock()
		if deadline.IsZero() {
			<-changed
			continue
		}
		wait := time.Until(deadline)
		if wait <= 0 {
			return 0, os.ErrDeadlineExceeded
		}
		timer := time.NewTimer(wait)
		select {
		case <-changed:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// connChunk is the largest message of a connection.
const connChunk = 64 << 10

// Write implements net.Conn. It does not wait.
func (c *conn) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return 0, net.ErrClosed
	case c.err != nil && c.err != io.EOF:
		return 0, c.err
	case !c.wdead.IsZero() && !time.Now().Before(c.wdead):
		return 0, os.ErrDeadlineExceeded
	}
	for i := 0; i < len(b); i += connChunk {
		what := byte(connData)
		if !c.opened {
			what |= connOpen
			c.opened = true
		}
		c.wire.write(c.id, what, b[i:min(i+connChunk, len(b))])
	}
	return len(b), nil
}

// Close implements net.Conn. What was written still arrives.
func (c *conn) Close() error {
	c.mu.Lock()
	was, tell := c.closed, c.opened && (c.err == nil || c.err == io.EOF)
	c.closed = true
	c.wake()
	c.mu.Unlock()
	if was {
		return nil
	}
	if tell {
		c.wire.write(c.id, connFin, nil)
	}
	c.wire.forget(c.id)
	return nil
}

// LocalAddr implements net.Conn.
func (c *conn) LocalAddr() net.Addr {
	return net.TCPAddrFromAddrPort(c.wire.address(c.wire.t.cfg.Self))
}

// RemoteAddr implements net.Conn.
func (c *conn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.wire.address(c.id.peer)) }

// SetDeadline implements net.Conn.
func (c *conn) SetDeadline(t time.Time) error {
	c.SetReadDeadline(t)
	return c.SetWriteDeadline(t)
}

// SetReadDeadline implements net.Conn.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
	c.wake()
	return nil
}

// SetWriteDeadline implements net.Conn.
func (c *conn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wdead = t
	return nil
}
