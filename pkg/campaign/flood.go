package campaign

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// flood sends bad packets to the node that holds the address and is the DC: a
// quarter each garbage, genuine packets under a wrong key, replays of genuine
// packets, and genuine packets of another version, under the addresses of nodes.
func (c *campaign) flood(ctx context.Context, p *Part) (err error) {
	k, err := c.newCluster(ctx, fast())
	if err != nil {
		return err
	}
	defer k.finish(p, &err)
	p.Setting = fmt.Sprintf("%v; %d bad packets/s to the owner, which is the DC, for %v", k.setting, c.Rate, c.Flood)
	if _, err := k.whole(ctx, k.names...); err != nil {
		return err
	}
	if _, err := k.owner(ctx, "the address on one node", func(string) bool { return true }); err != nil {
		return err
	}
	victim, err := k.dc(ctx, k.names[0])
	if err != nil {
		return err
	}
	if err := k.place(ctx, victim); err != nil {
		return err
	}
	w, err := k.rest(ctx)
	if err != nil {
		return err
	}
	f, err := k.newFlooder(victim)
	if err != nil {
		return err
	}
	before, err := k.nodes[victim].Usage()
	if err != nil {
		return err
	}
	flooding, stop := context.WithTimeout(ctx, c.Flood)
	defer stop()
	done := make(chan error, 1)
	begun := time.Now()
	go func() { done <- f.run(flooding, c.Rate) }()
	werr := w.watch(ctx, c.Flood)
	stop()
	if err := <-done; err != nil {
		return err
	}
	if werr != nil {
		return werr
	}
	took := time.Since(begun)
	after, err := k.nodes[victim].Usage()
	if err != nil {
		return err
	}
	w.figures(p)
	rate := float64(f.sent.Load()) / took.Seconds()
	p.add("bad packets sent", rate, "packets/s")
	p.add("processor time of the node flooded", 100*float64(after.CPU-before.CPU)/float64(took), "%")
	if rate < 0.9*float64(c.Rate) {
		p.note("this computer sends no more than %.0f bad packets/s", rate)
	}
	return nil
}

// flooder sends from the client's cable of the heartbeat segment.
type flooder struct {
	fd      int
	to      *unix.SockaddrInet4
	packets [][]byte
	sent    atomic.Int64
}

// etherLength, ipLength and udpLength are the sizes of the headers.
const etherLength, ipLength, udpLength = 14, 20, 8

// newFlooder learns what the victim hears and makes bad packets of it.
func (k *cluster) newFlooder(victim string) (*flooder, error) {
	i := 0
	for j, name := range k.names {
		if name == victim {
			i = j
		}
	}
	addr := beatIP(i).Addr().As4()
	frames, err := k.nodes[victim].Capture("eth1", 60, 10*time.Second, func(f []byte) bool {
		return len(f) > etherLength+ipLength+udpLength && binary.BigEndian.Uint16(f[12:]) == unix.ETH_P_IP &&
			f[etherLength+9] == unix.IPPROTO_UDP && [4]byte(f[etherLength+16:]) == addr
	})
	if err != nil {
		return nil, err
	}
	f := &flooder{to: &unix.SockaddrInet4{Addr: addr}}
	rnd := rand.New(rand.NewPCG(k.c.Seed, 1))
	for n, frame := range frames {
		genuine := frame[etherLength:]
		body := func(change func(payload []byte)) []byte {
			b := append([]byte(nil), genuine...)
			change(b[ipLength+udpLength:])
			binary.BigEndian.PutUint16(b[ipLength+6:], 0) // no checksum: the body is what is bad
			return b
		}
		f.packets = append(f.packets,
			body(func(b []byte) {
				for i := range b {
					b[i] = byte(rnd.Uint32())
				}
			}),
			body(func(b []byte) { b[len(b)-1-n%8] ^= 0x5a }), // what a wrong key gives: another digest
			body(func([]byte) {}),                            // a replay
			body(func(b []byte) { b[4%len(b)]++ }),
			body(func(b []byte) { b[n%min(len(b), 16)] ^= 1 }))
	}
	f.fd, err = k.outside.RawIPv4()
	return f, err
}

// run sends until ctx ends, in bursts of a millisecond.
func (f *flooder) run(ctx context.Context, rate int) error {
	defer unix.Close(f.fd)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	begun := time.Now()
	for n := 0; ; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		// What was missed is made up for, but never in a burst above 100 ms.
		due := int(time.Since(begun).Seconds() * float64(rate))
		for n = max(n, due-rate/10); n < due; n++ {
			err := unix.Sendto(f.fd, f.packets[n%len(f.packets)], 0, f.to)
			if err == unix.ENOBUFS || err == unix.EAGAIN {
				continue
			}
			if err != nil {
				return fmt.Errorf("send a bad packet: %w", err)
			}
			f.sent.Add(1)
		}
	}
}
