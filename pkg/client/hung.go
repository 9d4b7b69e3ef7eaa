package client

import (
	"bufio"
	"fmt"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/quorate/quorate/pkg/cli"
)

// watch looks after a daemon while it owes an answer, until the returned function
// is called: one that does not answer another question either is stopped or
// hangs, and the connection ends.
func (c *Client) watch() (stop func()) {
	if c.path == "" { // over the network: the connection itself tells
		return func() {}
	}
	done := make(chan struct{})
	go func() {
		timer := time.NewTimer(c.patience)
		defer timer.Stop()
		for {
			select {
			case <-done:
				return
			case <-timer.C:
			}
			if err := c.alive(); err != nil {
				select {
				case <-done: // the answer was faster
				default:
					c.hung.Store(&err)
					c.conn.Close()
				}
				return
			}
			timer.Reset(c.patience)
		}
	}()
	return func() { close(done) }
}

// alive asks the daemon for anything, by a connection of its own. A daemon that
// has ended is not hung: the reader of the connection learns of that.
func (c *Client) alive() error {
	begun := time.Now()
	conn, err := net.DialTimeout("unix", c.path, c.bound)
	if err != nil {
		if ne, ok := err.(net.Error); ok && ne.Timeout() {
			return hung(0, "it takes no connection at "+c.path)
		}
		return nil
	}
	defer conn.Close()
	conn.SetDeadline(begun.Add(c.bound))
	b, err := marshalLine(&Request{Verb: VerbStatus})
	if err == nil {
		_, err = conn.Write(b)
	}
	if err == nil {
		_, err = bufio.NewReader(conn).ReadSlice('\n')
	}
	if ne, ok := err.(net.Error); ok && ne.Timeout() {
		return hung(listener(conn), fmt.Sprintf("it took the question and has been silent for %v", (c.patience+c.bound).Round(time.Second)))
	}
	return nil
}

// hung is the sentence on a daemon that does not answer; pid 0 is unknown.
func hung(pid int, evidence string) error {
	who, remedy := "", "PID"
	if pid > 0 {
		who, remedy = fmt.Sprintf(" (pid %d)", pid), fmt.Sprint(pid)
	}
	return &cli.Exit{Code: cli.ExitTimeout, Err: fmt.Errorf("%w%s: %s; it is stopped (go on with: kill -CONT %s) or hangs (see its log; end it with: kill -KILL %s); whether a change was made is unknown",
		ErrHung, who, evidence, remedy, remedy)}
}

// listener returns the process that listens on the other end, 0 if unknown.
func listener(conn net.Conn) (pid int) {
	sc, ok := conn.(syscall.Conn)
	if !ok {
		return 0
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Control(func(fd uintptr) {
		if cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			pid = int(cred.Pid)
		}
	})
	return pid
}
