package lab

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Attributes and states of a bridge port, from linux/if_link.h and
// linux/if_bridge.h.
const (
	brportState        = 1
	brportLearning     = 8
	brportUnicastFlood = 9
	brportFlush        = 24
	brportMcastFlood   = 27
	brportBcastFlood   = 30
	brportLocked       = 39

	portDisabled = 0
)

// hub is the network namespace with the bridges, which no node sees. Its
// methods may be called from any goroutine.
type hub struct {
	ns      netns.NsHandle
	h       *netlink.Handle
	sock    *nl.SocketHandle
	bridges map[string]int // by segment: interface index
}

func newHub(segments []string) (*hub, error) {
	ns, err := newNetns()
	if err != nil {
		return nil, fmt.Errorf("the hub's network namespace: %w", err)
	}
	b := &hub{ns: ns, bridges: map[string]int{}}
	if b.h, err = netlink.NewHandleAt(ns, unix.NETLINK_ROUTE); err != nil {
		ns.Close()
		return nil, fmt.Errorf("the hub's network: %w", err)
	}
	s, err := nl.GetNetlinkSocketAt(ns, netns.None(), unix.NETLINK_ROUTE)
	if err != nil {
		b.close()
		return nil, fmt.Errorf("the hub's network: %w", err)
	}
	b.sock = &nl.SocketHandle{Socket: s}
	for _, name := range segments {
		if err := b.addSegment(name); err != nil {
			b.close()
			return nil, err
		}
	}
	return b, nil
}

func (b *hub) addSegment(name string) error {
	off := false
	br := &netlink.Bridge{LinkAttrs: netlink.NewLinkAttrs(), MulticastSnooping: &off}
	br.Name = "br-" + name
	if err := b.h.LinkAdd(br); err != nil {
		return fmt.Errorf("segment %s: make its bridge: %w", name, err)
	}
	if err := b.h.LinkSetUp(br); err != nil {
		return fmt.Errorf("segment %s: %w", name, err)
	}
	b.bridges[name] = br.Index
	return nil
}

func (b *hub) close() {
	if b.sock != nil {
		b.sock.Close()
	}
	if b.h != nil {
		b.h.Close()
	}
	b.ns.Close()
}

// plug lays a cable: one end is a port of the segment's bridge, the other the
// interface name in the namespace ns.
func (b *hub) plug(segment, port string, ns netns.NsHandle, name string, mac []byte) error {
	index, ok := b.bridges[segment]
	if !ok {
		return fmt.Errorf("no segment %q in this lab", segment)
	}
	v := &netlink.Veth{LinkAttrs: netlink.NewLinkAttrs(), PeerName: name, PeerHardwareAddr: mac, PeerNamespace: netlink.NsFd(int(ns))}
	v.Name, v.MasterIndex = port, index
	if err := b.h.LinkAdd(v); err != nil {
		return fmt.Errorf("cable %s to segment %s: %w", port, segment, err)
	}
	return b.up(port)
}

func (b *hub) up(port string) error {
	link, err := b.h.LinkByName(port)
	if err != nil {
		return err
	}
	return b.h.LinkSetUp(link)
}

// down takes the carrier away: frames stop at once, the node's interface
// notices a little later.
func (b *hub) down(port string) error {
	link, err := b.h.LinkByName(port)
	if err != nil {
		return err
	}
	if err := b.disable(link); err != nil {
		return err
	}
	return b.h.LinkSetDown(link)
}

// silence stops all frames of a port at once and leaves the carrier alone.
func (b *hub) silence(port string) error {
	link, err := b.h.LinkByName(port)
	if err != nil {
		return err
	}
	return b.disable(link)
}

// disable puts a port into the state in which it forwards nothing. One that is
// down does so already, and says that.
func (b *hub) disable(link netlink.Link) error {
	if err := b.setPort(link, brportState, portDisabled); err != nil && !errors.Is(err, unix.ENETDOWN) {
		return err
	}
	return nil
}

// unplug removes a cable with both its ends; one that is gone is well.
func (b *hub) unplug(port string) error {
	link, err := b.h.LinkByName(port)
	if _, gone := err.(netlink.LinkNotFoundError); gone {
		return nil
	}
	if err != nil {
		return err
	}
	// The kernel removes it too, when the last process of the node is gone.
	if err := b.h.LinkDel(link); err != nil && !errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("unplug %s: %w", port, err)
	}
	return nil
}

// direct lets frames pass in the directions given, seen from the node. A port
// that may not send is locked and forgets the addresses it has learnt; to one
// that may not receive nothing is flooded, and nothing is learnt about it.
func (b *hub) direct(port string, send, receive bool) error {
	link, err := b.h.LinkByName(port)
	if err != nil {
		return err
	}
	flag := func(on bool) uint8 {
		if on {
			return 1
		}
		return 0
	}
	return b.setPort(link,
		brportLearning, flag(send && receive),
		brportLocked, flag(!send),
		brportUnicastFlood, flag(receive),
		brportMcastFlood, flag(receive),
		brportBcastFlood, flag(receive),
		brportFlush, 1)
}

// setPort sets one-byte attributes of a bridge port: pairs of attribute, value.
func (b *hub) setPort(link netlink.Link, pairs ...uint8) error {
	req := nl.NewNetlinkRequest(unix.RTM_SETLINK, unix.NLM_F_ACK)
	req.Sockets = map[int]*nl.SocketHandle{unix.NETLINK_ROUTE: b.sock}
	msg := nl.NewIfInfomsg(unix.AF_BRIDGE)
	msg.Index = int32(link.Attrs().Index)
	req.AddData(msg)
	info := nl.NewRtAttr(unix.IFLA_PROTINFO|unix.NLA_F_NESTED, nil)
	for i := 0; i < len(pairs); i += 2 {
		info.AddRtAttr(int(pairs[i]), []byte{pairs[i+1]})
	}
	req.AddData(info)
	if _, err := req.Execute(unix.NETLINK_ROUTE, 0); err != nil {
		return fmt.Errorf("set bridge port %s: %w", link.Attrs().Name, err)
	}
	return nil
}

// newNetns makes a network namespace without moving the caller into it.
func newNetns() (netns.NsHandle, error) {
	type result struct {
		ns  netns.NsHandle
		err error
	}
	done := make(chan result)
	go func() {
		// The thread is not unlocked: it ends with the goroutine, and nobody
		// inherits its namespace.
		runtime.LockOSThread()
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			done <- result{netns.None(), err}
			return
		}
		ns, err := netns.Get()
		done <- result{ns, err}
	}()
	r := <-done
	return r.ns, r.err
}

// inNetns runs f on a thread that is in the namespace; sockets that f opens
// stay there.
func inNetns(ns netns.NsHandle, f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		if err := netns.Set(ns); err != nil {
			done <- err
			return
		}
		done <- f()
	}()
	return <-done
}
