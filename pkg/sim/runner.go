package sim

import (
	"time"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/ccm/agree"
)

// The runner of package ccm in virtual time: it owns the machine of the
// agreement, and writes, sends and delivers in the order that Ready asks for.
// While a write is under way the machine goes on hearing; what it says meanwhile
// waits its turn.

// receive takes a frame of another node.
func (n *node) receive(from *node, inc uint64, msg agree.Message) {
	d := n.d
	if d == nil {
		return
	}
	if n.frozen > n.s.now || n.hung > n.s.now {
		n.daemonAfter(d, max(n.frozen, n.hung)-n.s.now, func() { n.receive(from, inc, msg) })
		return
	}
	d.run(func() {
		if n.s.opts.Verify {
			msg = n.s.checks.codec(msg)
		}
		d.m.Step(n.local(), agree.Input{From: from.name, Incarnation: inc, At: n.local(), Msg: msg})
	})
}

// run does something in the runner: now, or after what it is at.
func (d *daemon) run(f func()) {
	d.inbox = append(d.inbox, f)
	d.pump()
}

// pump takes in what waits and does what the machine wants, until a write has to
// be waited for.
func (d *daemon) pump() {
	n, s := d.n, d.n.s
	if d.pumping {
		return
	}
	d.pumping = true
	for n.d == d && s.stats.Violation == nil {
		if len(d.inbox) > 0 {
			f := d.inbox[0]
			if d.inbox = d.inbox[1:]; len(d.inbox) == 0 {
				d.inbox = nil
			}
			f()
			continue
		}
		early := agree.Ready{}
		early.Messages, early.Events = d.m.Early()
		if d.hand(&early); len(d.inbox) > 0 {
			continue
		}
		if d.writing || n.d != d {
			break
		}
		if n.disk.changes >= compactChanges {
			d.m.Compact()
		}
		rd, ok := d.m.Ready()
		if !ok {
			break
		}
		if rd.Write.Empty() {
			d.hand(&rd)
		} else {
			d.write(rd)
		}
	}
	d.pumping = false
	if n.d == d {
		d.publish()
		d.setTimer()
	}
}

// write makes a write durable; what relies on it follows when it is.
func (d *daemon) write(rd agree.Ready) {
	n, s := d.n, d.n.s
	d.writing = true
	s.upon("write", n)
	if s.opts.Plant.Has(PlantEarlyAck) {
		d.send(rd.Messages)
		rd.Messages = nil
	}
	tears := n.disk.torn > 0
	if tears {
		n.disk.torn--
	}
	if tears && n.disk.torn == 0 {
		n.machineAfter(n.disk.latency()/2, func() {
			if n.d == d {
				n.disk.tear(&rd.Write)
				s.tell(n, "the power goes off within a write")
				n.crash()
				n.machineAfterCrash()
			}
		})
		return
	}
	n.daemonAfter(d, n.disk.latency(), func() { d.stored(rd, 0) })
}

// fullRetry is how often a write that finds no room is tried, as package ccm does.
const fullRetry = 250 * int64(time.Millisecond)

// stored ends a write, or tries it again while there is no room: since is when it
// was refused first.
func (d *daemon) stored(rd agree.Ready, since int64) {
	n, s := d.n, d.n.s
	if n.disk.full {
		if since == 0 {
			since = n.local()
			s.tell(n, "its disk is full: nothing can be promised")
		}
		if n.local()-since >= int64(s.timing.Deadtime) && d.view.Quorum {
			d.m.Shed()
			v := d.view
			v.Quorum, v.DC, v.Event, v.Reason = false, "", agree.EventInvalid, "the disk of this node is full"
			d.owner(func() { d.takeView(v) })
		}
		n.daemonAfter(d, fullRetry, func() { d.stored(rd, since) })
		return
	}
	n.disk.write(&rd.Write)
	s.checks.stored(d, &rd.Write)
	d.writing = false
	d.pumping = true // what this node confirms to itself comes after what the write has made known
	d.hand(&rd)
	d.pumping = false
	if since != 0 && n.d == d {
		v := ccm.ViewOf(d.m.View())
		d.owner(func() { d.takeView(v) })
	}
	d.pump()
}

// hand sends and tells what may be known now.
func (d *daemon) hand(rd *agree.Ready) {
	d.send(rd.Messages)
	for _, e := range rd.Events {
		if d.n.d == d {
			d.onMachine(e)
		}
	}
}

func (d *daemon) send(list []agree.Envelope) {
	n, w := d.n, &d.n.s.net
	for _, e := range list {
		if beat, ok := e.Msg.(*agree.Beat); ok {
			d.vouch(beat)
			continue
		}
		switch {
		case e.To == n.name:
			msg := e.Msg
			d.run(func() { d.m.Step(n.local(), agree.Input{From: n.name, Incarnation: d.inc, At: n.local(), Msg: msg}) })
		case e.To == "":
			for _, to := range n.s.nodes {
				if to != n {
					w.datagram(n, to, e.Msg)
				}
			}
		case e.Datagram:
			if to := n.s.byName[e.To]; to != nil {
				w.datagram(n, to, e.Msg)
			}
		default:
			to := n.s.byName[e.To]
			if to == nil || to.d == nil {
				continue
			}
			inc, msg := d.inc, e.Msg
			n.s.sent(n, msg)
			if n.s.sc.Loose && !n.s.quiet {
				w.loose(n, to, msg)
				continue
			}
			w.message(n, to, classControl, func(*daemon) { to.receive(n, inc, msg) })
		}
	}
}

// setTimer asks for the next tick of the machine.
func (d *daemon) setTimer() {
	next := d.m.Next()
	if next == d.timerAt && d.timerSet {
		return
	}
	d.timerAt, d.timerSet = next, true
	d.timerGen++
	gen := d.timerGen
	d.n.atLocal(d, next, func() {
		if d.timerGen != gen {
			return
		}
		d.timerSet = false
		d.run(func() { d.m.Tick(d.n.local()) })
	})
}

// onMachine delivers what the machine has to tell.
func (d *daemon) onMachine(e agree.Event) {
	n, s := d.n, d.n.s
	switch e := e.(type) {
	case agree.ViewEvent:
		v := ccm.ViewOf(e.View)
		s.checks.view(d, e.View)
		if e.View.Quorum {
			s.upon("view", n)
		}
		if d.ctl == nil {
			d.view = v
		}
		d.owner(func() { d.takeView(v) })
	case agree.OpenedEvent:
		s.checks.opened(d, e)
	case agree.CommittedEvent:
		s.checks.committed(d, e.Ballot, e.Seq)
	case agree.LeaseEvent:
		if e.Lease.Valid {
			s.logf(n, "the lease is valid")
		} else {
			s.tell(n, "its lease is over%s", n.holding())
			s.upon("lease", n)
		}
		d.publish()
		d.owner(d.checkLease)
	case agree.ProposalEvent:
		d.answer(e.Token, outcome{err: e.Err})
	case agree.CheckEvent:
		d.answer(e.Token, outcome{expired: e.Expired, err: e.Err})
	case agree.PeerEvent:
		s.logf(n, "hears %s: %v (%s)", e.Name, e.Alive, e.Reason)
	case agree.NoteEvent:
		s.logf(n, "%s", e.Text)
	case agree.KnownEvent:
		s.logf(n, "knows %s now", e.Name)
	}
}

// outcome is what the machine answers to a question.
type outcome struct {
	expired []string
	err     error
}

// ask puts a question to the machine; the answer comes once.
func (d *daemon) ask(f func(token uint64), answer func(outcome)) (token uint64) {
	d.token++
	token = d.token
	d.waiting[token] = answer
	d.run(func() { f(token) })
	return token
}

func (d *daemon) answer(token uint64, o outcome) {
	if f := d.waiting[token]; f != nil {
		delete(d.waiting, token)
		f(o)
	}
}

// publish tells the guard of a new end of the lease, and whoever waits that the
// others know of this node's leaving.
func (d *daemon) publish() {
	if l := d.m.Lease(); l.Stop != d.told {
		d.told = l.Stop
		d.n.guard.setLease(d.n, l.Stop)
	}
	if d.onLeft != nil && d.m.LeaveDone() {
		f := d.onLeft
		d.onLeft = nil
		f()
	}
}

// vouch gives the sender of beats what to repeat from now on; news leave at once.
func (d *daemon) vouch(beat *agree.Beat) {
	d.beat, d.vouched = *beat, d.n.local()
	if d.beatDue == 0 {
		d.beatDue = d.vouched
		d.sendBeat()
	} else if !beat.Routine {
		d.sendBeat()
	}
}

// sendBeat sends a beat with the time at which it leaves, unless nobody has
// vouched for it for longer than a deadtime.
func (d *daemon) sendBeat() {
	n, s := d.n, d.n.s
	now := n.local()
	if period := int64(s.timing.Beat); now >= d.beatDue {
		if now-d.beatDue > period/2 {
			d.run(func() { d.m.Late(n.local()) })
		}
		if d.beatDue += period; d.beatDue <= now {
			d.beatDue = now + period
		}
		n.atLocal(d, d.beatDue, func() {
			if !d.silent && n.local() >= d.beatDue {
				d.sendBeat()
			}
		})
	}
	if now-d.vouched > max(int64(s.timing.Deadtime), int64(time.Second)) {
		return
	}
	d.lastBeat = max(now, d.lastBeat+1)
	b := d.beat
	b.Sent = d.lastBeat
	for _, to := range s.nodes {
		if to != n {
			s.net.datagram(n, to, &b)
		}
	}
}
