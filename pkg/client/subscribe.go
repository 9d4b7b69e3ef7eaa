package client

import (
	"context"
	"fmt"

	"github.com/quorate/quorate/cib"
)

// Event is something that has changed.
type Event struct {
	// Root is the document as it is now.
	Root *cib.Element
	// Patch leads to Root from that of the event before; nil in the first event and
	// where only Peers have changed.
	Patch *cib.Element
	// Peers are all nodes as this node sees them now.
	Peers []Peer
}

// Peer returns the status of a node by its name, "" for an unknown one.
func (e *Event) Peer(name string) string {
	for _, p := range e.Peers {
		if p.Name == name {
			return p.Status
		}
	}
	return ""
}

// Subscribe calls f with the state now and then for every change of the
// document, of which only the difference is sent, or of the status of a node.
// Changes that come faster than f works arrive together. It ends when f returns
// false, with nil, when ctx ends, or when the daemon does; the connection serves
// nothing else afterwards.
func (c *Client) Subscribe(ctx context.Context, f func(*Event) bool) error {
	stop := context.AfterFunc(ctx, func() { c.conn.Close() })
	defer stop()
	e := &Event{}
	resp, err := c.Do(ctx, &Request{Verb: VerbSubscribe})
	for ; err == nil; resp, err = c.next(ctx) {
		switch {
		case resp.XML != "":
			root, perr := cib.Parse([]byte(resp.XML), "live CIB")
			if perr != nil {
				return perr
			}
			e.Root, e.Patch = root, nil
		case resp.Patch != "":
			patch, perr := cib.Parse([]byte(resp.Patch), "change of the live CIB")
			if perr != nil {
				return perr
			}
			root, perr := cib.ApplyPatch(e.Root, patch)
			if perr != nil {
				return fmt.Errorf("a change of the live CIB: %w", perr)
			}
			e.Root, e.Patch = root, patch
		default:
			e.Patch = nil
		}
		if resp.Peers != nil {
			e.Peers = resp.Peers
		}
		if event := *e; !f(&event) {
			return nil
		}
	}
	return err
}
