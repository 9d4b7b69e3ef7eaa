package agents

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"
	"github.com/mdlayher/packet"
)

// Announcements of an address that is up already, by [Announce].
const (
	againCount    = 5
	againInterval = 200 * time.Millisecond
)

// Announce tells the neighbours once more where an address lives, several times
// in the background: after a part of the cluster has come back that may have told
// them otherwise. An address that this node does not have is not announced.
func Announce(ip netip.Addr) error {
	k, err := openHost()
	if err != nil {
		return err
	}
	if !announceAgain(k, ip, againCount, againInterval) {
		k.close()
	}
	return nil
}

// announceAgain announces in the background; true tells that this owns the
// host's socket now.
func announceAgain(k *host, ip netip.Addr, count int, interval time.Duration) bool {
	list, err := k.find(ip)
	if err != nil {
		return false
	}
	for _, a := range list {
		l, err := k.h.LinkByIndex(a.index)
		if err != nil || l.Attrs().Flags&net.FlagLoopback != 0 {
			continue
		}
		if an, err := newAnnouncer(l, ip); err == nil && an != nil {
			keepAnnouncing(ip, an, 0, count, interval, func() bool { return k.serves(ip) }, k.close)
			return true
		}
	}
	return false
}

// probeWait is how long another owner may take to answer.
const probeWait = time.Second

// otherOwner asks the network who has the address (RFC 5227, section 2.1.1), and
// fails when somebody answers.
func (a *ipaddr) otherOwner(ctx context.Context, k *host, s ipSpec) error {
	if here, elsewhere, err := a.state(k, s); err != nil || len(here)+len(elsewhere) > 0 {
		return err
	}
	l, _, err := k.place(s)
	if err != nil {
		return err
	}
	at := l.Attrs()
	if at.Flags&net.FlagLoopback != 0 || len(at.HardwareAddr) != 6 {
		return nil
	}
	c, err := packet.Listen(&net.Interface{Index: at.Index, Name: at.Name}, packet.Raw, int(ethernet.EtherTypeARP), nil)
	if err != nil {
		return fmt.Errorf("packet socket on %s: %w", at.Name, err)
	}
	defer c.Close()
	p, err := arp.NewPacket(arp.OperationRequest, at.HardwareAddr, netip.IPv4Unspecified(), make(net.HardwareAddr, 6), s.ip)
	if err != nil {
		return err
	}
	b, err := p.MarshalBinary()
	if err != nil {
		return err
	}
	f := ethernet.Frame{Destination: ethernet.Broadcast, Source: at.HardwareAddr, EtherType: ethernet.EtherTypeARP, Payload: b}
	frame, err := f.MarshalBinary()
	if err != nil {
		return err
	}
	if _, err := c.WriteTo(frame, &packet.Addr{HardwareAddr: ethernet.Broadcast}); err != nil {
		return fmt.Errorf("asking who has %s: %w", s.ip, err)
	}
	end := time.Now().Add(probeWait)
	if d, ok := ctx.Deadline(); ok && d.Before(end) {
		end = d
	}
	if err := c.SetReadDeadline(end); err != nil {
		return err
	}
	buf := make([]byte, 1600)
	for {
		n, _, err := c.ReadFrom(buf)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("asking who has %s: %w", s.ip, err)
		}
		var f ethernet.Frame
		var q arp.Packet
		if f.UnmarshalBinary(buf[:n]) != nil || q.UnmarshalBinary(f.Payload) != nil {
			continue
		}
		if q.SenderIP == s.ip && q.SenderHardwareAddr.String() != at.HardwareAddr.String() {
			return fmt.Errorf("%s is in use already: %s answers for it on %s", s.ip, q.SenderHardwareAddr, at.Name)
		}
	}
}
