package ccm

import (
	"context"
	"fmt"
	"time"

	"github.com/quorate/quorate/ccm/agree"
)

// ErrVoters indicates a change of the electorate that is refused.
var ErrVoters = agree.ErrVoters

// VoterChange adds one voter, removes it, or gives it another weight.
type VoterChange = agree.VoterChange

// Elector is a node as the electorate sees it.
type Elector = agree.Elector

// ChangeVoter changes the electorate; it returns when a quorum of the old and
// of the new voters has it on disk. Only on the DC. No node outside the view
// may still hold a lease, so it can take a takeover time. Errors: those of
// [Cluster].Propose, and ErrVoters.
func (n *Node) ChangeVoter(ctx context.Context, requestID string, c VoterChange) error {
	a, err := n.ask(ctx, func(token uint64) { n.m.ChangeVoter(n.clock(), token, requestID, c) })
	if err != nil {
		return fmt.Errorf("electorate, %s: %w: %w", c.Name, ErrUnknown, err)
	}
	return a.err
}

// Electorate lists the voters, and the nodes heard that are none.
func (n *Node) Electorate() []Elector {
	ch := make(chan []Elector, 1)
	n.inbox.put(func() { ch <- n.m.Electorate() })
	select {
	case e := <-ch:
		return e
	case <-n.done:
		return nil
	}
}

// Shun leaves a node that beats and does not do its part out of the view, for
// that long or until it restarts. Its lease runs out then.
func (n *Node) Shun(node string, d time.Duration) {
	n.inbox.put(func() { n.m.Shun(n.clock(), node, int64(d)) })
}

// accept tells the transport of a node that is not in ha.cf.
func (n *Node) accept(node string) {
	if t, ok := n.tr.(Accepter); ok {
		t.Accept(node)
		return
	}
	n.log.Warn(fmt.Sprintf("%s is a member now, but these links only carry the nodes of ha.cf: restart this node with %s in it", node, node))
}
