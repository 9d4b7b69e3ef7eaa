package ccm

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quorate/quorate/ccm/agree"
)

// ask runs f in the goroutine that owns the machine with a new token and waits
// for the answer to it.
func (n *Node) ask(ctx context.Context, f func(token uint64)) (answer, error) {
	ch := make(chan answer, 1)
	var token uint64
	n.inbox.put(func() {
		n.token++
		token = n.token
		n.waiting[token] = ch
		f(token)
	})
	select {
	case a := <-ch:
		return a, nil
	case <-n.done:
		return answer{}, ErrClosed
	case <-ctx.Done():
		n.inbox.put(func() {
			delete(n.waiting, token)
			n.m.Forget(token)
		})
		return answer{}, ctx.Err()
	}
}

// Propose implements [Cluster].
func (n *Node) Propose(ctx context.Context, requestID string, change []byte) (uint64, error) {
	change = slices.Clone(change)
	a, err := n.ask(ctx, func(token uint64) {
		if n.blocked != 0 {
			n.answer(token, answer{err: ErrDiskFull})
			return
		}
		propose := func() { n.m.Propose(n.clock(), token, requestID, change) }
		if n.m.View().DC != n.cfg.Node {
			propose() // which is refused
			return
		}
		n.takeIn(job{then: propose, work: func() (func(Preparer), int) {
			return func(p Preparer) { p.Prepare([][]byte{change}, false) }, len(change)
		}})
	})
	if err != nil {
		return 0, fmt.Errorf("change %q: %w: %w", requestID, ErrUnknown, err)
	}
	return a.seq, a.err
}

// Certify implements [Cluster]. It returns when all nodes outside the view have
// provably let go, at the latest one takeover time after the view opened; an
// end of ctx before is an error.
func (n *Node) Certify(ctx context.Context, in Instance) ([]string, error) {
	a, err := n.ask(ctx, func(token uint64) { n.m.Certify(n.clock(), token, agree.Ballot(in)) })
	if err != nil {
		return nil, fmt.Errorf("certificate in view %d: %w", in.Number, err)
	}
	return a.expired, a.err
}

// Confirm returns nil if this node is still the DC of the view: what its
// replica held when Confirm was called is the latest (protocol rule 25).
func (n *Node) Confirm(ctx context.Context, in Instance) error {
	a, err := n.ask(ctx, func(token uint64) { n.m.Confirm(n.clock(), token, agree.Ballot(in)) })
	if err != nil {
		return fmt.Errorf("confirmation of view %d: %w", in.Number, err)
	}
	return a.err
}

// MayStart implements [Cluster]. It must not be called from within the replica.
func (n *Node) MayStart(in Instance) error {
	ch := make(chan error, 1)
	n.inbox.put(func() { ch <- n.m.MayStart(n.clock(), agree.Ballot(in)) })
	select {
	case err := <-ch:
		return err
	case <-n.done:
		return fmt.Errorf("%w: %w", ErrLease, ErrClosed)
	}
}

// SetFit tells whether this node can do a DC's work: false while what decides is
// stuck. Another member becomes the DC then; the lease is not touched.
func (n *Node) SetFit(fit bool) { n.inbox.put(func() { n.m.SetFit(n.clock(), fit) }) }

// Send implements [Cluster].
func (n *Node) Send(to string, payload []byte) {
	payload = slices.Clone(payload)
	n.inbox.put(func() {
		if to == n.cfg.Node {
			n.mail = append(n.mail, Message{From: to, Payload: payload})
			return
		}
		n.tr.Message(to, Bulk, agree.Encode(n.cluster, &agree.Payload{Data: payload}))
	})
}

// Receive implements [Cluster].
func (n *Node) Receive() <-chan Message { return n.recv }

// View implements [Cluster].
func (n *Node) View() (View, <-chan struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.view, n.viewCh
}

// Lease implements [Cluster].
func (n *Node) Lease() (LeaseState, <-chan struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.lease, n.leaseCh
}

// Peers implements [Cluster].
func (n *Node) Peers() []PeerStatus {
	list := n.tr.Peers()
	now := n.clock()
	n.mu.Lock()
	defer n.mu.Unlock()
	for i := range list {
		p := &list[i]
		if p.Type == "ping" {
			continue
		}
		info := n.peers[p.Name]
		if slices.Contains(n.view.Arbiters, p.Name) {
			p.Type = "arbiter"
		}
		p.Version = n.versions[p.Name]
		p.Unfit = info.Alive && info.Unfit
		if info.Ever {
			p.ConfigDigest = fmt.Sprintf("%016x", info.Config)
		}
		switch {
		case info.Alive:
			p.Status = "active"
		case info.Ever || now-n.started >= int64(n.cfg.Timing.Initdead):
			p.Status = "dead"
		default:
			p.Status = "init"
		}
	}
	self := PeerStatus{Name: n.cfg.Node, Type: "normal", Status: "active", Version: agree.ProtocolVersion, ConfigDigest: fmt.Sprintf("%016x", n.cfg.ConfigDigest)}
	return append([]PeerStatus{self}, list...)
}

// publish shows others the state after a round.
func (n *Node) publish() {
	now := n.clock()
	l := n.m.Lease()
	if n.cfg.OnLease != nil && l.Stop != n.toldStop {
		n.toldStop = l.Stop
		n.cfg.OnLease(l.Stop)
	}
	peers := n.m.Peers()
	wall := time.Now()
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.peers == nil {
		n.peers = map[string]agree.PeerInfo{}
	}
	for _, p := range peers {
		n.peers[p.Name] = p
	}
	was := n.lease.Valid
	n.lease.Valid = l.Valid
	if l.Stop != 0 || l.Release != 0 {
		n.lease.Stop = wall.Add(time.Duration(l.Stop - now))
		n.lease.Release = wall.Add(time.Duration(l.Release - now))
	}
	n.lease.Exclusion = n.exclusion()
	if was != l.Valid {
		close(n.leaseCh)
		n.leaseCh = make(chan struct{})
	}
}

// exclusion is "guaranteed" or the conditions that are missing.
func (n *Node) exclusion() string {
	missing := slices.Clone(n.cfg.Conditions)
	if s := n.m.Exclusion(); s != "guaranteed" {
		missing = append(missing, s)
	}
	if len(missing) == 0 {
		return "guaranteed"
	}
	return "not guaranteed: " + strings.Join(missing, "; ")
}

// ViewOf turns the machine's view into the public one.
func ViewOf(v agree.View) View {
	arbiter := func(name string) bool { return slices.Contains(v.Arbiters, name) }
	out := View{Instance: Instance(v.Ballot), Quorum: v.Quorum, DC: v.DC, Event: v.Event, Reason: v.Reason, Arbiters: v.Arbiters,
		Lost: slices.DeleteFunc(slices.Clone(v.Lost), arbiter)}
	for _, x := range v.Members {
		if arbiter(x.Name) {
			continue
		}
		out.Members = append(out.Members, Member{Name: x.Name, Incarnation: x.Incarnation, BornOn: x.BornOn})
	}
	return out
}

// Beats tells how well this node beats.
func (n *Node) Beats() BeatStats { return n.beater.stats() }
