package link

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/quorate/quorate/ccm"
)

// Sentinel errors of this package.
var (
	// ErrKeys indicates that the keys of authkeys cannot be used.
	ErrKeys = errors.New("authkeys")
	// ErrConfig indicates that a value of Config makes no sense.
	ErrConfig = errors.New("links")
	// ErrClosed indicates that the transport was closed.
	ErrClosed = errors.New("the links are closed")
)

// Medium is one media line of ha.cf.
type Medium struct {
	// Kind is ucast, bcast, mcast or serial; udp is the old name of bcast. ucast6
	// and mcast6 mean ucast and mcast.
	Kind string
	// Iface is the network interface, which is also the name of the link.
	Iface string
	// Address is the peer of a ucast line: an address or a host name. An address
	// of this machine is ignored, so that the file can be the same everywhere.
	Address string
	// Group is the address of an mcast line.
	Group string
	// Port is the UDP port, 1 to 65535.
	Port int
	// TTL and Loop belong to mcast.
	TTL  int
	Loop bool
	// Device and Baud belong to serial: a cable between two nodes. Frames are not
	// passed on, so that rings of more nodes do not work.
	Device string
	Baud   int
}

// PingNode is a ping or ping_group line: it answers as long as any host does.
type PingNode struct {
	Name  string
	Hosts []string
}

// Config tells Open what to carry and for whom. Times must be positive unless a
// default is named.
type Config struct {
	// Self is this node's name, Nodes are all of them (Self may be among them).
	Self  string
	Nodes []string
	// Autojoin accepts nodes that are not in Nodes.
	Autojoin bool
	// ClusterName and ClusterID keep clusters on one wire apart. Both must be the
	// same on all nodes.
	ClusterName string
	ClusterID   string
	// Incarnation is told to the peers; it is higher in a later life.
	Incarnation uint64
	Media       []Medium
	Keys        Keys
	// Keepalive is the time between two Broadcasts of the caller and between two
	// echo requests to a ping node.
	Keepalive time.Duration
	// Deadtime is the silence after which a link is dead. Warntime is the time
	// between two beats of a node that earns a warning (default: half of it).
	Deadtime, Warntime time.Duration
	// Initdead is how long after Open a node that never spoke is called dead, and
	// this node calls itself active though it has not heard all (default: the
	// larger of Deadtime and 12 s).
	Initdead time.Duration
	// Deadping is the silence after which a ping node is dead (default: Deadtime).
	Deadping  time.Duration
	PingNodes []PingNode
	// Hops is how many cables a frame may travel where nodes are joined by serial
	// lines in a row or a ring; 0: no node hands on frames of others.
	Hops int
	// Meta is told to all nodes by gossip: version, digest of ha.cf, and so on.
	// At most about 400 bytes as JSON.
	Meta map[string]string
	// NoGossip switches memberlist off: no Meta, no Witness.
	NoGossip bool
	// Logger gets every sentence for the user; nil discards.
	Logger *slog.Logger
	// Lateness takes how late frames are read and sent; nil takes nothing.
	Lateness *ccm.Lateness

	// thread, in tests, moves the calling goroutine into a network namespace.
	thread func()
	// resolver, in tests, answers for names of the test.
	resolver *net.Resolver
}

// complete checks the values and fills in the defaults.
func (c *Config) complete() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: "+format, append([]any{ErrConfig}, args...)...)
	}
	if c.resolver == nil {
		c.resolver = net.DefaultResolver
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if err := c.Keys.Validate(); err != nil {
		return err
	}
	if c.Self == "" {
		return bad("this node has no name")
	}
	for _, n := range append(slices.Clone(c.Nodes), c.Self) {
		if n == "" || len(n) > maxName {
			return bad("node name %q is not 1 to %d characters long", n, maxName)
		}
	}
	if c.Keepalive <= 0 || c.Deadtime <= c.Keepalive {
		return bad("keepalive %v must be above 0 and below deadtime %v", c.Keepalive, c.Deadtime)
	}
	if c.Warntime <= 0 {
		c.Warntime = c.Deadtime / 2
	}
	if c.Initdead <= 0 {
		c.Initdead = max(c.Deadtime, 12*time.Second)
	}
	if c.Deadping <= 0 {
		c.Deadping = c.Deadtime
	}
	for _, m := range c.Media {
		if err := m.check(); err != nil {
			return err
		}
	}
	for _, p := range c.PingNodes {
		if p.Name == "" || len(p.Hosts) == 0 {
			return bad("ping node %q has no host", p.Name)
		}
		if p.Name == c.Self || slices.Contains(c.Nodes, p.Name) {
			return bad("node %q cannot be a ping node too", p.Name)
		}
	}
	return nil
}

func (m Medium) check() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s %s: "+format, append([]any{ErrConfig, m.Kind, m.Iface + m.Device}, args...)...)
	}
	switch m.Kind {
	case "ucast", "ucast6":
		if m.Address == "" {
			return bad("no peer address")
		}
	case "bcast", "udp":
	case "mcast", "mcast6":
		g, err := netip.ParseAddr(m.Group)
		if err != nil || !g.IsMulticast() {
			return bad("%q is not a multicast address", m.Group)
		}
		if m.TTL < 0 || m.TTL > 255 {
			return bad("ttl %d is not between 0 and 255", m.TTL)
		}
	case "serial":
		if m.Device == "" || m.Baud <= 0 {
			return bad("a device and a speed above 0 are needed")
		}
		return nil
	default:
		return fmt.Errorf("%w: medium %q is not supported", ErrConfig, m.Kind)
	}
	if m.Iface == "" {
		return bad("no interface")
	}
	if m.Port < 1 || m.Port > 65535 {
		return bad("port %d is not between 1 and 65535", m.Port)
	}
	return nil
}
