package agents

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"
	"github.com/mdlayher/packet"
	"github.com/vishvananda/netlink"
	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv6"
)

// announcer tells the neighbours of one interface where an address lives now. An
// announcement is one frame or more, which are spread over its interval.
type announcer struct {
	frames []func() error
	close  func()
}

// send sends an announcement at once, and first its first frame.
func (a *announcer) send() error {
	for _, f := range a.frames {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}

func (a *announcer) first() error { return a.frames[0]() }

// newAnnouncer opens what is needed to announce ip on the link. It returns nil
// for interfaces without neighbours (loopback, point to point).
func newAnnouncer(l netlink.Link, ip netip.Addr) (*announcer, error) {
	at := l.Attrs()
	if at.Flags&net.FlagLoopback != 0 || len(at.HardwareAddr) != 6 {
		return nil, nil
	}
	if ip.Is4() {
		return newARP(at, ip)
	}
	return newNA(at, ip)
}

// newARP announces by gratuitous ARP: a request and a reply, as some neighbours
// heed only the one or the other. Sender and target address are both ip. The
// socket takes no protocol, so that nothing is received and piles up.
func newARP(at *netlink.LinkAttrs, ip netip.Addr) (*announcer, error) {
	request, err := arpFrame(arp.OperationRequest, at.HardwareAddr, make(net.HardwareAddr, 6), ip)
	if err != nil {
		return nil, err
	}
	reply, err := arpFrame(arp.OperationReply, at.HardwareAddr, at.HardwareAddr, ip)
	if err != nil {
		return nil, err
	}
	c, err := packet.Listen(&net.Interface{Index: at.Index, Name: at.Name}, packet.Raw, 0, nil)
	if err != nil {
		return nil, fmt.Errorf("packet socket on %s: %w", at.Name, err)
	}
	to := &packet.Addr{HardwareAddr: ethernet.Broadcast}
	write := func(frame []byte) func() error {
		return func() error {
			if _, err := c.WriteTo(frame, to); err != nil {
				return fmt.Errorf("sending ARP for %s on %s: %w", ip, at.Name, err)
			}
			return nil
		}
	}
	return &announcer{
		frames: []func() error{write(request), write(reply)},
		close:  func() { _ = c.Close() },
	}, nil
}

// arpFrame is a broadcast frame in which hw says that it has ip.
func arpFrame(op arp.Operation, hw, target net.HardwareAddr, ip netip.Addr) ([]byte, error) {
	p, err := arp.NewPacket(op, hw, ip, target, ip)
	if err != nil {
		return nil, fmt.Errorf("ARP for %s: %w", ip, err)
	}
	b, err := p.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("ARP for %s: %w", ip, err)
	}
	f := ethernet.Frame{Destination: ethernet.Broadcast, Source: hw, EtherType: ethernet.EtherTypeARP, Payload: b}
	return f.MarshalBinary()
}

// newNA announces by unsolicited neighbour advertisements to all nodes with the
// override flag (RFC 4861, section 7.2.6).
func newNA(at *netlink.LinkAttrs, ip netip.Addr) (*announcer, error) {
	c, err := icmp.ListenPacket("ip6:ipv6-icmp", "::")
	if err != nil {
		return nil, fmt.Errorf("ICMPv6 socket: %w", err)
	}
	body := make([]byte, 4, 28)
	body[0] = 0x20
	a := ip.As16()
	body = append(body, a[:]...)
	body = append(body, 2, 1) // option: target link-layer address, 8 octets
	body = append(body, at.HardwareAddr...)
	m := icmp.Message{Type: ipv6.ICMPTypeNeighborAdvertisement, Body: &icmp.RawBody{Data: body}}
	allNodes := net.ParseIP("ff02::1")
	b, err := m.Marshal(icmp.IPv6PseudoHeader(ip.AsSlice(), allNodes))
	if err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("neighbour advertisement for %s: %w", ip, err)
	}
	cm := &ipv6.ControlMessage{HopLimit: 255, Src: ip.AsSlice(), IfIndex: at.Index}
	return &announcer{
		frames: []func() error{func() error {
			if _, err := c.IPv6PacketConn().WriteTo(b, cm, &net.IPAddr{IP: allNodes, Zone: strconv.Itoa(at.Index)}); err != nil {
				return fmt.Errorf("sending a neighbour advertisement for %s on %s: %w", ip, at.Name, err)
			}
			return nil
		}},
		close: func() { _ = c.Close() },
	}, nil
}

// announcement is one under way in the background.
type announcement struct {
	cancel context.CancelFunc
	ended  chan struct{}
}

// running holds the announcements under way in this process, by address.
var running = struct {
	sync.Mutex
	m map[netip.Addr]*announcement
}{m: map[netip.Addr]*announcement{}}

// underWay returns the announcement of ip, or nil.
func underWay(ip netip.Addr) *announcement {
	running.Lock()
	defer running.Unlock()
	return running.m[ip]
}

// stopAnnouncing ends the announcements of ip; none is sent after it returned.
func stopAnnouncing(ip netip.Addr) {
	if n := underWay(ip); n != nil {
		n.cancel()
		<-n.ended
	}
}

// keepAnnouncing sends count announcements in the background, one each interval,
// but for the first sent frames of them, until stopped or until stillMine says no: an address that went away
// by other means must not be announced. It owns the announcer and calls done at
// its end.
func keepAnnouncing(ip netip.Addr, a *announcer, sent, count int, interval time.Duration, stillMine func() bool, done func()) {
	stopAnnouncing(ip)
	ctx, cancel := context.WithCancel(context.Background())
	n := &announcement{cancel: cancel, ended: make(chan struct{})}
	running.Lock()
	running.m[ip] = n
	running.Unlock()
	go func() {
		defer cancel()
		frames := len(a.frames)
		t := time.NewTicker(max(interval/time.Duration(frames), 1))
		defer t.Stop()
		for i := sent; i < count*frames && ctx.Err() == nil; i++ {
			select {
			case <-ctx.Done():
			case <-t.C:
				if ctx.Err() != nil || !stillMine() || a.frames[i%frames]() != nil {
					cancel()
				}
			}
		}
		running.Lock()
		if running.m[ip] == n {
			delete(running.m, ip)
		}
		running.Unlock()
		// Nobody waits for the sockets to be closed: the kernel takes its time.
		close(n.ended)
		a.close()
		done()
	}()
}

// announcing waits until no announcement of ip is under way or ctx ends.
func announcing(ctx context.Context, ip netip.Addr) {
	n := underWay(ip)
	if n == nil {
		return
	}
	select {
	case <-ctx.Done():
		stopAnnouncing(ip)
	case <-n.ended:
	}
}
