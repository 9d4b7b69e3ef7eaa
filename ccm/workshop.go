package ccm

import (
	"github.com/quorate/quorate/ccm/agree"
)

// Preparer is a [Replica] whose changes may take long. The runner has them
// worked out beside it, and goes on confirming leases meanwhile; what was
// prepared makes the calls that follow short. Where the state has become
// another one in between, those calls work it out again.
type Preparer interface {
	// Heavy reports whether a change of that many bytes is worth it now.
	Heavy(bytes int) bool
	// Prepare works out consecutive changes from the present state; checked tells
	// that the DC has checked them. One goroutine at a time calls it, at the same
	// time as others call the rest.
	Prepare(changes [][]byte, checked bool)
	// PrepareState does the same for Restore.
	PrepareState(snapshot []byte)
}

// job is an input of the machine that may need work first.
type job struct {
	// work, called in run when it is the job's turn, says what is to be prepared
	// and of how many bytes; nil: nothing.
	work func() (prepare func(Preparer), bytes int)
	then func() // in run
}

// workshop prepares inputs one after the other; run owns it.
type workshop struct {
	jobs []job
	busy bool
}

// takeIn has an input prepared, if that is worth it, and gives it to the
// machine after those before it.
func (n *Node) takeIn(j job) {
	n.shop.jobs = append(n.shop.jobs, j)
	n.nextJob()
}

// nextJob works on the inputs that wait until one of them needs the workshop.
func (n *Node) nextJob() {
	p, able := n.cfg.Replica.(Preparer)
	for !n.shop.busy && len(n.shop.jobs) > 0 {
		j := n.shop.jobs[0]
		n.shop.jobs[0] = job{}
		n.shop.jobs = n.shop.jobs[1:]
		var prepare func(Preparer)
		bytes := 0
		if able {
			prepare, bytes = j.work()
		}
		if prepare == nil || !p.Heavy(bytes) {
			j.then()
			continue
		}
		n.shop.busy = true
		work := func() { prepare(p) }
		go func() {
			if n.cfg.Work != nil {
				n.cfg.Work(work)
			} else {
				work()
			}
			n.inbox.put(func() {
				n.shop.busy = false
				j.then()
				n.nextJob()
			})
		}()
	}
}

// prepares returns the work for a message, and whether it is one of those that
// keep their order: changes and states. All others may overtake them. A
// repetition of what has been taken in needs no work.
func (n *Node) prepares(msg agree.Message) (work func() (func(Preparer), int), inOrder bool) {
	state := func(snapshot []byte) (func(Preparer), int) {
		return func(p Preparer) { p.PrepareState(snapshot) }, len(snapshot)
	}
	switch msg := msg.(type) {
	case *agree.Changes:
		return func() (func(Preparer), int) {
			var list [][]byte
			bytes := 0
			for i := range msg.List {
				if c := &msg.List[i]; c.Seq > n.m.Inspect().Seq && c.Voters == nil {
					list = append(list, c.Data)
					bytes += len(c.Data)
				}
			}
			if len(list) == 0 || n.m.Inspect().Stamped != msg.Ballot {
				return nil, 0
			}
			return func(p Preparer) { p.Prepare(list, true) }, bytes
		}, true
	case *agree.State:
		return func() (func(Preparer), int) { return state(msg.Snapshot.App) }, true
	case *agree.Sync:
		return func() (func(Preparer), int) {
			if msg.Same || n.m.Inspect().Stamped == msg.Ballot {
				return nil, 0
			}
			return state(msg.Snapshot.App)
		}, true
	}
	return nil, false
}
