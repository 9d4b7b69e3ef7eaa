package lab

import "fmt"

// Direction is a way that frames take, seen from the node.
type Direction int

const (
	// Outbound frames leave the node.
	Outbound Direction = iota
	// Inbound frames come to the node.
	Inbound
)

// Cut pulls the cables of the named links, of all links if none is named: no
// frame passes from now on, and the node's interface loses its carrier.
func (n *Node) Cut(links ...string) error {
	return n.eachPort(links, n.lab.hub.down)
}

// CutOneWay stops the frames of one direction on the named links, of all links
// if none is named. The carrier stays. It needs Linux 5.16.
func (n *Node) CutOneWay(d Direction, links ...string) error {
	return n.eachPort(links, func(port string) error {
		return n.lab.hub.direct(port, d != Outbound, d != Inbound)
	})
}

// Mend undoes Cut and CutOneWay on the named links, on all links if none is
// named.
func (n *Node) Mend(links ...string) error {
	return n.eachPort(links, func(port string) error {
		if err := n.lab.hub.direct(port, true, true); err != nil {
			return err
		}
		return n.lab.hub.up(port)
	})
}

func (n *Node) eachPort(links []string, f func(port string) error) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.run == nil {
		return fmt.Errorf("node %s: %w", n.spec.Name, ErrDown)
	}
	named := map[string]bool{}
	for _, l := range links {
		named[l] = true
	}
	for i, l := range n.spec.Links {
		if len(links) > 0 && !named[l.Name] {
			continue
		}
		delete(named, l.Name)
		if err := f(n.port(i)); err != nil {
			return fmt.Errorf("node %s: link %s: %w", n.spec.Name, l.Name, err)
		}
	}
	for l := range named {
		return fmt.Errorf("node %s: link %s: %w", n.spec.Name, l, ErrUnknownLink)
	}
	return nil
}
