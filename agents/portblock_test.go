package agents

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

func TestPortblock(t *testing.T) {
	needNetwork(t)
	if _, err := exec.LookPath("nft"); err != nil {
		t.Skip("SKIPPED: nft is not installed (apt-get install nftables)")
	}
	lo, err := netlink.LinkByName("lo")
	must(t, err)
	must(t, netlink.LinkSetUp(lo))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	served := make(chan net.Conn, 10)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			served <- c
		}
	}()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	open := func(want bool) {
		t.Helper()
		c, err := net.DialTimeout("tcp", l.Addr().String(), 150*time.Millisecond)
		if err == nil {
			_ = c.Close()
			(<-served).Close()
		}
		var ne net.Error
		if want != (err == nil) || err != nil && !(errors.As(err, &ne) && ne.Timeout()) {
			t.Fatalf("open should be %v: %v", want, err)
		}
	}
	p := map[string]string{"protocol": "tcp", "portno": "1," + port + ",70:80", "ip": "127.0.0.1", "action": "block"}
	q := map[string]string{"protocol": "tcp", "portno": "1," + port + ",70:80", "ip": "127.0.0.1", "action": "unblock"}
	life(t, "portblock", p, wholeLife...)
	open(true)
	life(t, "portblock", p, step{"start", 0})
	open(false)
	life(t, "portblock", q, step{"monitor", 7})
	life(t, "portblock", q, step{"start", 0}, step{"monitor", 0})
	open(true)
	life(t, "portblock", q, step{"stop", 0}, step{"stop", 0}, step{"monitor", 7})
	open(false)
	life(t, "portblock", p, step{"stop", 0})
	open(true)
	for _, other := range []map[string]string{
		{"1": "udp", "2": "53", "3": "block"}, {"1": "tcp", "2": "80", "3": "block", "direction": "both", "ip": "fd00::/64"},
	} {
		life(t, "portblock", other, wholeLife...)
	}
	for _, bad := range []map[string]string{
		{"1": "icmp", "2": "1", "3": "block"}, {"1": "tcp", "2": "80;drop", "3": "block"}, {"1": "tcp", "2": "9:8", "3": "block"},
		{"1": "tcp", "2": "80", "3": "close"}, {"1": "tcp", "2": "80", "3": "block", "ip": "x"}, {"1": "tcp", "2": "80", "3": "block", "direction": "up"},
	} {
		if rc, said := call(t, "portblock", "start", bad); rc != 6 {
			t.Errorf("%v returned %d: %s", bad, rc, said)
		}
	}

	// Connections are kept when the ports are blocked, and told when they open.
	dir := filepath.Join(t.TempDir(), "tickles")
	q["tickle_dir"], q["sync_script"] = dir, "cp -t "+t.TempDir()
	life(t, "portblock", q, step{"start", 0})
	c, err := net.Dial("tcp", l.Addr().String())
	must(t, err)
	defer c.Close()
	peer := <-served
	defer peer.Close()
	life(t, "portblock", q, step{"stop", 0})
	want := l.Addr().String() + "\t" + c.LocalAddr().String() + "\n"
	if got := read(dir + "/127.0.0.1_32"); got != want {
		t.Errorf("connections are %q, want %q", got, want)
	}
	// Another node has taken over: here the connection is none any more.
	if rc, said := call(t, "portblock", "start", q); rc != 0 || !strings.Contains(said, "1 clients were told") {
		t.Errorf("start returned %d: %s", rc, said)
	}
	q["reset_local_on_unblock_stop"] = "yes"
	rc, said := call(t, "portblock", "stop", q)
	if rc != 0 {
		t.Errorf("stop returned %d: %s", rc, said)
	}
	if strings.Contains(said, "operation not supported") {
		t.Logf("SKIPPED: this kernel ends no connections (INET_DIAG_DESTROY): %s", said)
	} else {
		must(t, peer.SetReadDeadline(time.Now().Add(5*time.Second)))
		if _, err := peer.Read(make([]byte, 1)); !errors.Is(err, unix.ECONNABORTED) {
			t.Errorf("the server's end sees %v", err)
		}
	}
	life(t, "portblock", p, step{"stop", 0})
}

// A client whose server has moved learns at once that its connection is none.
func TestTickleResetsTheClient(t *testing.T) {
	pair(t, "qagent-a", "qagent-b", "192.168.10.1/24")
	lo, err := netlink.LinkByName("lo")
	must(t, err)
	must(t, netlink.LinkSetUp(lo))
	l, err := net.Listen("tcp", "192.168.10.1:0")
	must(t, err)
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	must(t, err)
	defer c.Close()
	peer, err := l.Accept()
	must(t, err)
	// The server forgets its end without a word, as one that lost power.
	raw, err := peer.(*net.TCPConn).SyscallConn()
	must(t, err)
	must(t, raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_REPAIR, 1) }))
	if err != nil {
		t.Skipf("SKIPPED: no connection can be forgotten here: %v", err)
	}
	must(t, peer.Close())
	local := netip.MustParseAddrPort(l.Addr().String())
	b := portBlock{protocol: "tcp", tickleDir: t.TempDir(), net: netip.PrefixFrom(local.Addr(), 32), ports: []portRange{{local.Port(), local.Port()}}}
	must(t, os.WriteFile(b.tickleFile(), []byte(l.Addr().String()+"\t"+c.LocalAddr().String()+"\nnonsense\n"), 0o600))
	n, err := b.tickle()
	if n != 1 || err != nil {
		t.Fatalf("%d clients, %v", n, err)
	}
	must(t, c.SetReadDeadline(time.Now().Add(10*time.Second)))
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, unix.ECONNRESET) {
		t.Errorf("the client sees %v", err)
	}
}
