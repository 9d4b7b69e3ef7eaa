package daemon

import (
	"context"
	"slices"
	"time"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/client"
)

// peerPoll is how often a subscription looks at the status of the nodes, which
// changes on the goroutines of the membership layer.
const peerPoll = 200 * time.Millisecond

// watch sends the document now and after every change.
func (d *Daemon) watch(ctx context.Context, see func(*cib.Element) *cib.Element, reply func(*client.Response) error) error {
	for {
		root, news := d.current()
		if root == nil {
			return reply(shuttingDown())
		}
		if err := reply(document(see(root))); err != nil {
			return err
		}
		select {
		case <-news:
		case <-ctx.Done():
			return ctx.Err()
		case <-d.done:
			return nil
		}
	}
}

// subscribe sends the document and the peers, and then what changes.
func (d *Daemon) subscribe(ctx context.Context, see func(*cib.Element) *cib.Element, reply func(*client.Response) error) error {
	root, news := d.current()
	if root == nil {
		return reply(shuttingDown())
	}
	sent, peers := see(root), d.peers()
	first := document(sent)
	if first.Peers = peers; sent == nil {
		return reply(first)
	}
	if err := reply(first); err != nil {
		return err
	}
	poll := time.NewTicker(peerPoll)
	defer poll.Stop()
	for {
		now := sent
		select {
		case <-news:
			if root, news = d.current(); root == nil {
				return reply(shuttingDown())
			}
			now = see(root)
		case <-poll.C:
		case <-ctx.Done():
			return ctx.Err()
		case <-d.done:
			return nil
		}
		r, err := d.difference(sent, now, peers)
		if err != nil {
			return err
		}
		if r == nil {
			continue
		}
		if err := reply(r); err != nil {
			return err
		}
		sent = now
		if r.Peers != nil {
			peers = r.Peers
		}
	}
}

// difference returns what to send to a subscriber, or nil. A document that no
// patch leads to is sent whole.
func (d *Daemon) difference(sent, now *cib.Element, peers []client.Peer) (*client.Response, error) {
	r := &client.Response{}
	if sent != now && now != nil {
		if patch, err := cib.MakePatch(sent, now, true); err != nil {
			r = document(now)
		} else if patch != nil {
			r.Patch = string(cib.PrintCompact(patch))
		}
	}
	if list := d.peers(); !slices.Equal(list, peers) {
		r.Peers = list
	}
	switch {
	case now == nil:
		return document(nil), nil // the answer ends the subscription on the other side
	case r.XML == "" && r.Patch == "" && r.Peers == nil:
		return nil, nil
	}
	return r, nil
}

// peers lists the nodes for a subscriber. From any goroutine.
func (d *Daemon) peers() (out []client.Peer) {
	for _, p := range d.cluster.Peers() {
		out = append(out, client.Peer{Name: p.Name, Type: p.Type, Status: p.Status})
	}
	if !slices.ContainsFunc(out, func(p client.Peer) bool { return p.Name == d.opts.Self }) {
		out = slices.Insert(out, 0, client.Peer{Name: d.opts.Self, Type: "normal", Status: "active"})
	}
	return out
}
