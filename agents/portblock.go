package agents

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
)

// newPortblock makes the agent that keeps clients away from ports while a service
// moves: they get no answer rather than a refusal, and try again.
func newPortblock() *standard {
	return &standard{
		separate: true,
		meta: metaData{
			name: "portblock", shortdesc: "Blocks and unblocks access to TCP and UDP ports",
			longdesc: "Drops packets to ports of an address by a rule of nftables. A group begins with one of action block and ends with one of action unblock: clients that come before all is up, or after it goes down, wait instead of being refused.",
			params: []metaParam{
				{name: "protocol", typ: "string", required: true, shortdesc: "Protocol, tcp or udp"},
				{name: "portno", typ: "string", required: true, shortdesc: "Ports", longdesc: "Ports, separated by commas; ranges as in 5000:5010."},
				{name: "action", typ: "string", required: true, shortdesc: "Action, block or unblock", longdesc: "block: the ports are blocked when started and open when stopped. unblock: they are open when started and blocked when stopped."},
				{name: "reset_local_on_unblock_stop", typ: "boolean", def: "false", shortdesc: "End connections of the ports when unblock stops"},
				{name: "ip", typ: "string", def: "0.0.0.0/0", shortdesc: "Address", longdesc: "Address or network whose ports are meant; the default is every IPv4 address."},
				{name: "tickle_dir", typ: "string", shortdesc: "Directory for connections", longdesc: "Directory in which the stop of an unblock keeps the connections of the ports, and from which the start of one tells their clients to connect anew. It has to be on a disk that moves with the service, or be copied by sync_script."},
				{name: "sync_script", typ: "string", shortdesc: "Command that copies a file to the other nodes"},
				{name: "direction", typ: "string", def: "in", shortdesc: "Direction: in, out or both"},
			},
			actions: usualActions("20s", "20s", "10s", "10s", metaAction{name: "status", timeout: "10s", interval: "10s", depth: "0"}),
		},
		args:  []string{"protocol", "portno", "action"},
		check: func(c *request) error { _, err := parseBlock(c); return err },
		actions: map[string]action{
			"start": func(ctx context.Context, c *request) error { return movePort(ctx, c, true) },
			"stop":  func(ctx context.Context, c *request) error { return movePort(ctx, c, false) },
			"monitor": func(ctx context.Context, c *request) error {
				b, err := parseBlock(c)
				if err != nil {
					return err
				}
				if _, on, err := readState(stateFileIn(c, "portblock")); err != nil || !on {
					if err == nil {
						err = errNotRunning
					}
					return err
				}
				blocked, err := b.blocked(ctx, c)
				if err != nil {
					return err
				}
				if blocked != b.block {
					return errNotRunning
				}
				return nil
			},
			"validate-all": func(context.Context, *request) error { _, err := program("nft"); return err },
		},
	}
}

// blockTable is the table of nftables that holds all blocks of this node.
const blockTable = "quorate_portblock"

// portBlock is what a portblock resource wants.
type portBlock struct {
	protocol   string
	ports      []portRange
	net        netip.Prefix
	block      bool
	directions []string
	tickleDir  string
}

// portRange is a port, or several.
type portRange struct{ from, to uint16 }

func parseBlock(c *request) (portBlock, error) {
	b := portBlock{protocol: strings.ToLower(c.str("protocol")), tickleDir: c.str("tickle_dir")}
	if b.protocol != "tcp" && b.protocol != "udp" {
		return b, badSpec("protocol=%q is neither tcp nor udp", c.str("protocol"))
	}
	switch c.str("action") {
	case "block":
		b.block = true
	case "unblock":
	default:
		return b, badSpec("action=%q is neither block nor unblock", c.str("action"))
	}
	switch d := c.str("direction"); d {
	case "in", "out":
		b.directions = []string{d}
	case "both":
		b.directions = []string{"in", "out"}
	default:
		return b, badSpec("direction=%q is not in, out or both", d)
	}
	for _, w := range strings.Split(c.str("portno"), ",") {
		from, to, many := strings.Cut(strings.TrimSpace(w), ":")
		if !many {
			to = from
		}
		x, err1 := strconv.ParseUint(from, 10, 16)
		y, err2 := strconv.ParseUint(to, 10, 16)
		if err1 != nil || err2 != nil || x == 0 || y < x {
			return b, badSpec("portno=%q: %q is neither a port nor a range such as 5000:5010", c.str("portno"), w)
		}
		b.ports = append(b.ports, portRange{uint16(x), uint16(y)})
	}
	var err error
	if b.net, err = netip.ParsePrefix(c.str("ip")); err != nil {
		a, err := netip.ParseAddr(c.str("ip"))
		if err != nil {
			return b, badSpec("ip=%q is neither an address nor a network", c.str("ip"))
		}
		b.net = netip.PrefixFrom(a, a.BitLen())
	}
	b.net = b.net.Masked()
	if b.tickleDir != "" && !filepath.IsAbs(b.tickleDir) {
		return b, badSpec("tickle_dir=%q is not an absolute path", b.tickleDir)
	}
	return b, nil
}

// chain is the name of the chain that holds the block of one direction; that the
// chain is there is the block.
func (b *portBlock) chain(direction string) string {
	h := sha256.Sum256(fmt.Appendf(nil, "%s %v %s", b.protocol, b.ports, b.net))
	return direction + "_" + hex.EncodeToString(h[:8])
}

// rules is what nft reads to block: the whole chain, in one step.
func (b *portBlock) rules() string {
	fam, match := "ip", ""
	if b.net.Addr().Is6() {
		fam = "ip6"
	}
	var ports []string
	for _, p := range b.ports {
		if p.from == p.to {
			ports = append(ports, strconv.Itoa(int(p.from)))
		} else {
			ports = append(ports, fmt.Sprintf("%d-%d", p.from, p.to))
		}
	}
	var s strings.Builder
	fmt.Fprintf(&s, "add table inet %s\n", blockTable)
	for _, d := range b.directions {
		hook, side, port := "input", "daddr", "dport"
		if d == "out" {
			hook, side, port = "output", "saddr", "sport"
		}
		if b.net.Bits() > 0 {
			match = fmt.Sprintf("%s %s %s", fam, side, b.net)
		} else {
			match = "meta nfproto " + map[string]string{"ip": "ipv4", "ip6": "ipv6"}[fam]
		}
		name := b.chain(d)
		fmt.Fprintf(&s, "add chain inet %s %s { type filter hook %s priority -150; policy accept; }\nflush chain inet %s %s\n", blockTable, name, hook, blockTable, name)
		fmt.Fprintf(&s, "add rule inet %s %s %s %s %s { %s } counter drop\n", blockTable, name, match, b.protocol, port, strings.Join(ports, ", "))
	}
	return s.String()
}

// blocked asks the kernel whether the ports are blocked.
func (b *portBlock) blocked(ctx context.Context, c *request) (bool, error) {
	n := 0
	for _, d := range b.directions {
		_, err := c.command(ctx, "nft", "list", "chain", "inet", blockTable, b.chain(d))
		switch {
		case err == nil:
			n++
		case exitCode(err) != 1 || !strings.Contains(err.Error(), "No such file or directory"):
			return false, err
		}
	}
	return n == len(b.directions), nil
}

// apply blocks or opens the ports.
func (b *portBlock) apply(ctx context.Context, c *request, block bool) error {
	text := b.rules()
	if !block {
		for _, d := range b.directions {
			// Added first, so that removing what is not there is no error.
			text += fmt.Sprintf("flush chain inet %s %s\ndelete chain inet %s %s\n", blockTable, b.chain(d), blockTable, b.chain(d))
		}
	}
	if _, err := c.invoke(ctx, invocation{args: []string{"nft", "-f", "-"}, input: text}); err != nil {
		return fmt.Errorf("nftables: %w", err)
	}
	return nil
}

// movePort is start and stop.
func movePort(ctx context.Context, c *request, start bool) error {
	b, err := parseBlock(c)
	if err != nil {
		return err
	}
	if !start && !b.block {
		err = b.remember(ctx, c)
		if c.yes("reset_local_on_unblock_stop") {
			err = errors.Join(err, b.reset())
		}
		if err != nil {
			c.info("connections: %v", err) // the ports are blocked nevertheless
		}
	}
	if err := b.apply(ctx, c, b.block == start); err != nil {
		return err
	}
	if start && !b.block {
		if n, err := b.tickle(); err != nil {
			c.info("clients were not all told to connect anew: %v", err)
		} else if n > 0 {
			c.info("%d clients were told to connect anew", n)
		}
	}
	if start {
		return writeState(stateFileIn(c, "portblock"), c.str("action"))
	}
	return dropState(stateFileIn(c, "portblock"))
}
