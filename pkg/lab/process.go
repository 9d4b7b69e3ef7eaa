package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Process is a program that runs in a node.
type Process struct {
	// PID is the process id inside the node.
	PID int
	// Log is the file outside that takes the output; empty for Exec.
	Log string

	m       *machine
	id      int
	started chan error
	done    chan struct{}
	code    int
	err     error
}

// Result is what a program executed in a node left.
type Result struct {
	// Code is the exit code, or 128 and the signal's number.
	Code           int
	Stdout, Stderr []byte
}

// Exec runs a program in the node, waits for its end and returns its output. A
// code other than 0 is no error; an error says that it could not run, that ctx
// ended, in which case its session was killed, or that the node went down.
func (n *Node) Exec(ctx context.Context, argv ...string) (Result, error) {
	var res Result
	outR, outW, err := os.Pipe()
	if err != nil {
		return res, err
	}
	defer outR.Close()
	errR, errW, err := os.Pipe()
	if err != nil {
		outW.Close()
		return res, err
	}
	defer errR.Close()
	p, err := n.launch(argv, outW, errW)
	outW.Close()
	errW.Close()
	if err != nil {
		return res, err
	}
	type output struct {
		b   []byte
		err error
	}
	read := func(f *os.File) chan output {
		c := make(chan output, 1)
		go func() {
			b, err := io.ReadAll(f)
			c <- output{b, err}
		}()
		return c
	}
	out, errs := read(outR), read(errR)
	select {
	case <-p.done:
	case <-ctx.Done():
		p.signal(-int(syscall.SIGKILL))
		<-p.done
		err = ctx.Err()
	}
	// A descendant may hold the pipes open after the program's end.
	grace := time.Now().Add(500 * time.Millisecond)
	outR.SetReadDeadline(grace)
	errR.SetReadDeadline(grace)
	res.Code, res.Stdout, res.Stderr = p.code, (<-out).b, (<-errs).b
	if err == nil {
		err = p.err
	}
	if err != nil {
		err = fmt.Errorf("node %s: %s: %w", n.spec.Name, argv[0], err)
	}
	return res, err
}

// Start runs a program in the background of the node. Its output is appended
// to a file named after the program in the node's folder.
func (n *Node) Start(argv ...string) (*Process, error) {
	if len(argv) == 0 {
		return nil, errors.New("no program to start")
	}
	log := filepath.Join(n.dir, filepath.Base(argv[0])+".log")
	f, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	p, err := n.launch(argv, f, f)
	if err != nil {
		return nil, err
	}
	p.Log = log
	return p, nil
}

func (n *Node) launch(argv []string, stdout, stderr *os.File) (*Process, error) {
	m := n.machine()
	if m == nil {
		return nil, fmt.Errorf("node %s: %w", n.spec.Name, ErrDown)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	p := &Process{m: m, started: make(chan error, 1), done: make(chan struct{})}
	m.mu.Lock()
	if m.gone {
		m.mu.Unlock()
		return nil, fmt.Errorf("node %s: %w", n.spec.Name, ErrDown)
	}
	m.next++
	p.id = m.next
	m.procs[p.id] = p
	m.mu.Unlock()
	err = send(m.conn, request{Op: "start", ID: p.id, Argv: argv}, null, stdout, stderr)
	if err == nil {
		err = <-p.started
	} else {
		m.forget(p.id)
	}
	if err != nil {
		return nil, fmt.Errorf("node %s: start %s: %w", n.spec.Name, argv[0], err)
	}
	return p, nil
}

// Signal sends a signal to the process; one that has ended takes no harm.
func (p *Process) Signal(s syscall.Signal) error { return p.signal(int(s)) }

func (p *Process) signal(s int) error {
	return send(p.m.conn, request{Op: "signal", ID: p.id, Sig: s})
}

// Done is closed when the process has ended or its node is down.
func (p *Process) Done() <-chan struct{} { return p.done }

// Wait returns the exit code, 128 and the signal's number if a signal ended it.
// The error is that of ctx, or [ErrDown] when the node went down under it.
func (p *Process) Wait(ctx context.Context) (int, error) {
	select {
	case <-p.done:
		return p.code, p.err
	case <-ctx.Done():
		return -1, ctx.Err()
	}
}

// finish is called once, by whoever took the process from its machine's map.
func (p *Process) finish(code int, err error) {
	p.code, p.err = code, err
	select {
	case p.started <- err:
	default:
	}
	close(p.done)
}

func (m *machine) forget(id int) *Process {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.procs[id]
	delete(m.procs, id)
	return p
}

// listen takes what the first process reports until the machine ends.
func (m *machine) listen() {
	for {
		var ev event
		if _, err := receive(m.conn, &ev); err != nil {
			return
		}
		switch ev.Kind {
		case "started":
			m.mu.Lock()
			p := m.procs[ev.ID]
			m.mu.Unlock()
			if p != nil {
				p.PID = ev.PID
				p.started <- nil
			}
		case "failed":
			if p := m.forget(ev.ID); p != nil {
				p.finish(-1, errors.New(ev.Reason))
			}
		case "exited":
			if p := m.forget(ev.ID); p != nil {
				p.finish(ev.Code, nil)
			}
		}
	}
}
