package link

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vishvananda/netns"

	"github.com/quorate/quorate/ccm"
)

// netLab is a few network namespaces on one or more bridges.
type netLab struct {
	t      testing.TB
	prefix string
	nodes  int
	links  int
}

// sh runs a command and fails the test if it fails.
func (l *netLab) sh(format string, args ...any) {
	l.t.Helper()
	c := fmt.Sprintf(format, args...)
	if out, err := exec.Command("sh", "-c", c).CombinedOutput(); err != nil {
		l.t.Fatalf("%s: %v: %s", c, err, out)
	}
}

var labCount atomic.Int64

// newLab makes namespaces for the nodes 1 to n, with interfaces eth0, eth1 and so
// on, one for each link; node i has the address 10.99.LINK.i.
func newLab(t testing.TB, nodes, links int) *netLab {
	if os.Getuid() != 0 {
		t.Skip("SKIPPED: network namespaces need root")
	}
	l := &netLab{t: t, prefix: fmt.Sprintf("qlink-%d-%d-", os.Getpid(), labCount.Add(1)), nodes: nodes, links: links}
	if out, err := exec.Command("ip", "netns", "add", l.prefix+"sw").CombinedOutput(); err != nil {
		t.Skipf("SKIPPED: no network namespaces here: %v: %s", err, out)
	}
	t.Cleanup(func() { exec.Command("ip", "netns", "del", l.prefix+"sw").Run() })
	for k := range links {
		l.sh("ip -n %ssw link add br%d type bridge; ip -n %ssw link set br%d up", l.prefix, k, l.prefix, k)
	}
	for i := 1; i <= nodes; i++ {
		ns := l.ns(i)
		l.sh("ip netns add %s; ip -n %s link set lo up", ns, ns)
		t.Cleanup(func() { exec.Command("ip", "netns", "del", ns).Run() })
		for k := range links {
			l.wire(i, k)
		}
	}
	return l
}

func (l *netLab) ns(node int) string { return fmt.Sprintf("%s%d", l.prefix, node) }

// wire plugs a new interface of a node in.
func (l *netLab) wire(node, link int) {
	l.sh("ip -n %ssw link add p%d-%d type veth peer name eth%d netns %s", l.prefix, node, link, link, l.ns(node))
	l.sh("ip -n %ssw link set p%d-%d master br%d up", l.prefix, node, link, link)
	l.sh("ip -n %s addr add 10.99.%d.%d/24 dev eth%d; ip -n %s link set eth%d up", l.ns(node), link, node, link, l.ns(node), link)
}

// cut pulls the cable of a node's interface, mend puts it back.
func (l *netLab) cut(node, link int)  { l.sh("ip -n %ssw link set p%d-%d down", l.prefix, node, link) }
func (l *netLab) mend(node, link int) { l.sh("ip -n %ssw link set p%d-%d up", l.prefix, node, link) }

// loss drops a share of what the node receives, in percent.
func (l *netLab) loss(node, percent int) {
	l.t.Helper()
	l.needNft()
	l.sh(`ip netns exec %s nft 'add table inet loss; flush table inet loss; add chain inet loss in { type filter hook input priority 0; }; add rule inet loss in meta l4proto udp numgen random mod 100 < %d drop'`, l.ns(node), percent)
}

// thread moves the calling goroutine into the namespace of a node, for good.
func (l *netLab) thread(node int) func() {
	name := l.ns(node)
	return func() {
		runtime.LockOSThread()
		h, err := netns.GetFromName(name)
		if err == nil {
			err = netns.Set(h)
			h.Close()
		}
		if err != nil {
			panic(err)
		}
	}
}

// node is a transport with a caller that beats and keeps what came.
type node struct {
	*Transport
	log  *logBuffer
	stop context.CancelFunc
	done chan struct{}
	mute atomic.Bool // does not beat

	mu     sync.Mutex
	events []ccm.TransportEvent
}

// name is the name of node i.
func name(i int) string { return fmt.Sprintf("node%d", i) }

// config is a configuration for a node of the lab, with ucast on every link.
func (l *netLab) config(i int) Config {
	c := Config{
		Self: name(i), ClusterName: l.prefix, Incarnation: 1,
		Keys:      Keys{Sign: 1, ByID: map[int]Key{1: {Method: SHA1, Secret: []byte("secret")}}},
		Keepalive: 100 * time.Millisecond, Deadtime: time.Second, Initdead: 30 * time.Second,
		NoGossip: true, thread: l.thread(i),
	}
	for j := 1; j <= l.nodes; j++ {
		c.Nodes = append(c.Nodes, name(j))
		for k := range l.links {
			c.Media = append(c.Media, Medium{Kind: "ucast", Iface: fmt.Sprintf("eth%d", k), Address: fmt.Sprintf("10.99.%d.%d", k, j), Port: 694})
		}
	}
	return c
}

// start opens the transport of a node and beats.
func (l *netLab) start(c Config) *node {
	l.t.Helper()
	n := &node{log: &logBuffer{}, done: make(chan struct{})}
	c.Logger = slog.New(slog.NewTextHandler(n.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	tr, err := Open(context.Background(), c)
	if err != nil {
		l.t.Fatal(err)
	}
	n.Transport = tr
	ctx, cancel := context.WithCancel(context.Background())
	n.stop = cancel
	go func() {
		defer close(n.done)
		tick := time.NewTicker(c.Keepalive)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				tr.Close()
				return
			case <-tick.C:
				if !n.mute.Load() {
					tr.Broadcast([]byte("beat"))
				}
			case e := <-tr.Events():
				n.mu.Lock()
				n.events = append(n.events, e)
				n.mu.Unlock()
			}
		}
	}()
	l.t.Cleanup(func() {
		n.close()
		if l.t.Failed() {
			l.t.Logf("log of %s:\n%s", c.Self, n.log.String())
		}
	})
	return n
}

func (n *node) close() { n.stop(); <-n.done }

// count counts events that match.
func (n *node) count(match func(ccm.TransportEvent) bool) (k int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, e := range n.events {
		if match(e) {
			k++
		}
	}
	return k
}

// up reports whether the node sees the peer's link up.
func (n *node) up(peer, link string) bool {
	for _, p := range n.Peers() {
		for _, l := range p.Links {
			if p.Name == peer && l.Name == link {
				return l.Up
			}
		}
	}
	return false
}

// stats returns the links to all peers.
func (n *node) stats() (all []ccm.LinkStatus) {
	for _, p := range n.Peers() {
		all = append(all, p.Links...)
	}
	return all
}

// state returns the status of a peer.
func (n *node) state(peer string) string {
	for _, p := range n.Peers() {
		if p.Name == peer {
			return p.Status
		}
	}
	return ""
}

// messages returns the payloads of the messages from a peer.
func (n *node) messages(from string) (all [][]byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, e := range n.events {
		if e.Kind == ccm.MessageReceived && e.From == from {
			all = append(all, e.Payload)
		}
	}
	return all
}

// eventually polls until what is so.
func eventually(t testing.TB, within time.Duration, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(within); !so(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", within, what)
		}
	}
}

// stays polls that what remains so.
func stays(t testing.TB, during time.Duration, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(during); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if !so() {
			t.Fatalf("no longer so: %s", what)
		}
	}
}

// logBuffer is a log that can be read while it grows.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logBuffer) has(s string) bool { return strings.Contains(l.String(), s) }

// needNft skips the test where nft is missing, and says so.
func (l *netLab) needNft() {
	l.t.Helper()
	if _, err := exec.LookPath("nft"); err != nil {
		l.t.Skip("SKIPPED: nft is missing, so packets cannot be dropped: apt-get install nftables")
	}
}
