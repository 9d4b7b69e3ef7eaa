package link

import (
	"context"
	"sync"
	"time"

	"github.com/quorate/quorate/ccm"
)

// run owns the state; every other goroutine talks to it by channels.
func (t *Transport) run(ctx context.Context) {
	defer close(t.done)
	defer close(t.events)
	every := min(max(t.cfg.Deadtime/10, 10*time.Millisecond), 500*time.Millisecond)
	tick := time.NewTicker(every)
	defer tick.Stop()
	due := time.NewTimer(time.Hour)
	defer due.Stop()
	var dueAt int64
	last, waited := ccm.Boottime(), false
	for {
		// What is urgent goes before what is merely there.
		select {
		case f := <-t.sink.urgent:
			t.handle(&f)
			continue
		default:
		}
		var out chan ccm.TransportEvent
		var first ccm.TransportEvent
		if len(t.queue) > 0 {
			out, first = t.events, t.queue[0]
		}
		var again <-chan struct{}
		if t.more {
			again = closed
		}
		select {
		case <-ctx.Done():
			for _, c := range t.commands.take() { // a farewell, maybe
				c()
			}
			t.pump()
			return
		case <-again:
		case <-t.commands.wake:
			for _, c := range t.commands.take() {
				c()
			}
		case f := <-t.sink.urgent:
			t.handle(&f)
		case f := <-t.sink.data:
			t.handle(&f)
			for n := 0; n < 64; n++ { // acknowledge several at once
				select {
				case f := <-t.sink.data:
					t.handle(&f)
					continue
				default:
				}
				break
			}
		case out <- first:
			if first.Kind == ccm.MessageReceived {
				t.queueBytes -= len(first.Payload)
			}
			t.queue[0] = ccm.TransportEvent{}
			t.queue = t.queue[1:]
		case r := <-t.resolved:
			t.setAddress(r)
		case p := <-t.pinged:
			t.setPing(p)
		case <-t.rto.C:
			for _, p := range t.peers {
				t.dirty[p] = true
			}
		case <-tick.C:
			now := ccm.Boottime()
			// A node that was late itself first hears what came in meanwhile.
			if late := now-last >= int64(2*every); !late || waited {
				t.detect(now)
				waited = false
			} else {
				waited = true
			}
			last = now
			// What ends its time before the next tick is told in time.
			if dueAt = t.nextDeath(); dueAt != 0 && dueAt < now+int64(every) {
				due.Reset(time.Duration(max(0, dueAt-now)))
			}
		case <-due.C:
			if now := ccm.Boottime(); now-dueAt < int64(every/2) { // else the tick sees to it
				t.detect(now)
			}
		}
		t.pump()
	}
}

// closed is always ready.
var closed = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// handle takes one good frame.
func (t *Transport) handle(f *received) {
	p := t.hear(f)
	if p == nil {
		return
	}
	e := ccm.TransportEvent{Kind: ccm.DatagramReceived, From: p.name, Incarnation: f.incarnation, Payload: f.payload, Link: f.medium.link(), At: f.at}
	switch f.kind {
	case kindBeat, kindDatagram:
		if len(t.queue) < maxQueuedEvents {
			t.emit(e)
		} else {
			t.sink.drops.add(errOverrun, e.Link, func() string { return "came from " + p.name })
		}
	case kindData:
		t.dataIn(p, f)
	case kindAck:
		t.ackIn(p, f)
	case kindGossip:
		if t.gossip != nil {
			t.gossip.wire.packetIn(p.name, f.payload)
		}
	}
}

// maxQueuedEvents is how many events wait for a slow caller before datagrams are
// dropped.
const maxQueuedEvents = 4096

// emit queues an event for the caller.
func (t *Transport) emit(e ccm.TransportEvent) {
	if len(t.queue) == 0 {
		select {
		case t.events <- e:
			return
		default:
		}
	}
	t.queue = append(t.queue, e)
	if e.Kind == ccm.MessageReceived {
		t.queueBytes += len(e.Payload)
	}
}

// commands is a queue of what other goroutines ask of run.
type commands struct {
	mu   sync.Mutex
	list []func()
	wake chan struct{}
}

func (c *commands) put(f func()) {
	c.mu.Lock()
	c.list = append(c.list, f)
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *commands) take() []func() {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.list
	c.list = nil
	return l
}

// do lets run execute f, unless the transport is closed.
func (t *Transport) do(f func()) {
	select {
	case <-t.done:
	default:
		t.commands.put(f)
	}
}

// ask is do, and waits.
func (t *Transport) ask(f func()) error {
	ready := make(chan struct{})
	t.do(func() { f(); close(ready) })
	select {
	case <-ready:
		return nil
	case <-t.done:
		return ErrClosed
	}
}
