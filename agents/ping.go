package agents

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// newPing makes the agent that keeps the number of reachable hosts in a node
// attribute, for rules to place resources by.
func newPing(name string) *standard {
	file := func(c *request) string { return stateFileIn(c, "ping") }
	return &standard{
		separate: true,
		meta: metaData{
			name: name, shortdesc: "Node connectivity",
			longdesc: "Every monitor sends echo requests to hosts and writes the number of those that answer, times a multiplier, to an attribute of this node.",
			params: []metaParam{
				{name: "pidfile", typ: "string", shortdesc: "PID file", longdesc: "Accepted for compatibility: where the agent remembers that it is started."},
				{name: "dampen", typ: "time", def: "5s", reloadable: true, shortdesc: "Dampening interval", longdesc: "How long a new value has to stay before it is written."},
				{name: "name", typ: "string", def: "pingd", unique: true, shortdesc: "Attribute name"},
				{name: "multiplier", typ: "integer", def: "1", shortdesc: "What each reachable host adds"},
				{name: "host_list", typ: "string", required: true, shortdesc: "Hosts to ping, separated by blanks"},
				{name: "attempts", typ: "integer", def: "3", reloadable: true, shortdesc: "Number of attempts", longdesc: "How many requests a host may leave unanswered."},
				{name: "timeout", typ: "time", def: "2", reloadable: true, shortdesc: "How long to wait for an answer"},
				{name: "options", typ: "string", shortdesc: "Options of the ping program", longdesc: "Accepted for compatibility and without effect: the agent asks by itself."},
				{name: "failure_score", typ: "integer", shortdesc: "Least value that is no failure", longdesc: "A monitor fails where the value is less."},
				{name: "use_fping", typ: "boolean", def: "1", shortdesc: "Use fping", longdesc: "Accepted for compatibility and without effect: all hosts are asked at a time in any case."},
				{name: "debug", typ: "string", def: "false", reloadable: true, shortdesc: "Verbose logging"},
			},
			actions: usualActions("60s", "20s", "60s", "10s", metaAction{name: "reload-agent", timeout: "20s"}),
		},
		actions: map[string]action{
			"start": func(ctx context.Context, c *request) error {
				if err := writeState(file(c), "started"); err != nil {
					return err
				}
				return pingHosts(ctx, c)
			},
			"stop": func(ctx context.Context, c *request) error {
				if err := dropState(file(c)); err != nil {
					return err
				}
				// A stop does not fail, and its node is not fenced, for an attribute.
				if err := updateAttribute(ctx, c.str("name"), "", c.str("dampen")); err != nil {
					c.info("%v", err)
				}
				return nil
			},
			"monitor": func(ctx context.Context, c *request) error {
				if _, on, err := readState(file(c)); err != nil || !on {
					if err == nil {
						err = errNotRunning
					}
					return err
				}
				return pingHosts(ctx, c)
			},
			"reload-agent": pingHosts,
		},
	}
}

// pingHosts asks all hosts at a time and writes the attribute.
func pingHosts(ctx context.Context, c *request) error {
	hosts := strings.Fields(c.str("host_list"))
	up := make(chan bool, len(hosts))
	for _, h := range hosts {
		go func() {
			err := echo(ctx, h, max(1, c.num("attempts")), max(c.seconds("timeout"), time.Millisecond))
			if err != nil {
				c.info("%s is not reached: %v", h, err)
			}
			up <- err == nil
		}()
	}
	n := 0
	for range hosts {
		if <-up {
			n++
		}
	}
	value := n * c.num("multiplier")
	if err := updateAttribute(ctx, c.str("name"), strconv.Itoa(value), c.str("dampen")); err != nil {
		return err
	}
	if v := c.str("failure_score"); v != "" && value < c.num("failure_score") {
		return fmt.Errorf("%d of %d hosts are reached: %s is %d, less than failure_score=%s", n, len(hosts), c.str("name"), value, v)
	}
	return nil
}

// echo sends echo requests to a host until one is answered (RFC 792, RFC 4443).
func echo(ctx context.Context, host string, attempts int, timeout time.Duration) error {
	names, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var ip netip.Addr
	ip, err := netip.ParseAddr(host)
	if err != nil {
		list, err := net.DefaultResolver.LookupNetIP(names, "ip", host)
		if err != nil {
			return err
		}
		ip = list[0]
	}
	ip = ip.Unmap()
	network, proto, kind := "ip4:icmp", 1, icmp.Type(ipv4.ICMPTypeEcho)
	if ip.Is6() {
		network, proto, kind = "ip6:ipv6-icmp", 58, ipv6.ICMPTypeEchoRequest
	}
	conn, err := icmp.ListenPacket(network, "")
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	id := os.Getpid() ^ rand.IntN(1<<16)
	to := &net.IPAddr{IP: ip.WithZone("").AsSlice(), Zone: ip.Zone()}
	for seq := 1; ; seq++ {
		m := icmp.Message{Type: kind, Body: &icmp.Echo{ID: id & 0xffff, Seq: seq, Data: []byte("quorate")}}
		b, err := m.Marshal(nil)
		if err != nil {
			return err
		}
		if _, err = conn.WriteTo(b, to); err == nil {
			_ = conn.SetReadDeadline(time.Now().Add(timeout))
			err = awaitEcho(conn, proto, ip, id&0xffff)
		} else if sleep(ctx, min(timeout, 100*time.Millisecond)) != nil {
			return ctx.Err()
		}
		if err == nil || seq == attempts || ctx.Err() != nil {
			return err
		}
	}
}

// awaitEcho reads until the answer of that host comes. An answer to an earlier
// request is as good.
func awaitEcho(conn *icmp.PacketConn, proto int, from netip.Addr, id int) error {
	buf := make([]byte, 1500)
	for {
		n, peer, err := conn.ReadFrom(buf)
		if err != nil {
			return err
		}
		a, ok := peer.(*net.IPAddr)
		if !ok {
			continue
		}
		if ip, ok := netip.AddrFromSlice(a.IP); !ok || ip.Unmap() != from.WithZone("") {
			continue
		}
		m, err := icmp.ParseMessage(proto, buf[:n])
		if err != nil || m.Type != ipv4.ICMPTypeEchoReply && m.Type != ipv6.ICMPTypeEchoReply {
			continue
		}
		if e, ok := m.Body.(*icmp.Echo); ok && e.ID == id {
			return nil
		}
	}
}
