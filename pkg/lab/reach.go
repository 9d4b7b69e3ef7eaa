package lab

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Root is where the root of the running node lies for programs outside, such
// as a client of a socket in it. It is valid until the node goes down.
func (n *Node) Root() (string, error) {
	m := n.machine()
	if m == nil {
		return "", fmt.Errorf("node %s: %w", n.spec.Name, ErrDown)
	}
	return "/proc/" + strconv.Itoa(m.cmd.Process.Pid) + "/root", nil
}

// Traffic counts the packets of one interface since the node was booted, what
// ARP and the like send included.
type Traffic struct {
	Received, Sent uint64
	// SentBytes are those of the packets sent.
	SentBytes uint64
}

// Traffic returns the counters of the node's interfaces by their names, the
// loopback's included.
func (n *Node) Traffic() (map[string]Traffic, error) {
	m := n.machine()
	if m == nil {
		return nil, fmt.Errorf("node %s: %w", n.spec.Name, ErrDown)
	}
	b, err := os.ReadFile("/proc/" + strconv.Itoa(m.cmd.Process.Pid) + "/net/dev")
	if err != nil {
		return nil, fmt.Errorf("node %s: %w", n.spec.Name, err)
	}
	out := map[string]Traffic{}
	for line := range bytes.Lines(b) {
		// "eth0: bytes packets errs drop fifo frame compressed multicast bytes packets ..."
		name, rest, found := strings.Cut(string(line), ":")
		f := strings.Fields(rest)
		if !found || len(f) < 10 {
			continue
		}
		received, err1 := strconv.ParseUint(f[1], 10, 64)
		sent, err2 := strconv.ParseUint(f[9], 10, 64)
		if err1 != nil || err2 != nil {
			continue
		}
		bytes, _ := strconv.ParseUint(f[8], 10, 64)
		out[strings.TrimSpace(name)] = Traffic{received, sent, bytes}
	}
	return out, nil
}

// RawIPv4 opens a socket in the node that sends packets whose IPv4 header the
// caller writes: one who sends under a foreign address. The caller closes it.
func (n *Node) RawIPv4() (int, error) {
	m := n.machine()
	if m == nil {
		return -1, fmt.Errorf("node %s: %w", n.spec.Name, ErrDown)
	}
	fd := -1
	err := inNetns(m.ns, func() (err error) {
		fd, err = unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
		return err
	})
	if err != nil {
		return -1, fmt.Errorf("node %s: raw socket: %w", n.spec.Name, err)
	}
	return fd, nil
}

// Capture returns the next frames that the node's interface sends or receives
// and match accepts. It returns those it has, and an error, when the patience is
// over first.
func (n *Node) Capture(link string, count int, patience time.Duration, match func(frame []byte) bool) ([][]byte, error) {
	m := n.machine()
	if m == nil {
		return nil, fmt.Errorf("node %s: %w", n.spec.Name, ErrDown)
	}
	dev, err := m.h.LinkByName(link)
	if err != nil {
		return nil, fmt.Errorf("node %s: link %s: %w", n.spec.Name, link, err)
	}
	fd := -1
	err = inNetns(m.ns, func() (err error) {
		fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("node %s: listen on %s: %w", n.spec.Name, link, err)
	}
	defer unix.Close(fd)
	// The wait is cut into pieces, so that the patience ends on a silent wire.
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 50_000}); err != nil {
		return nil, err
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: hostOrder(unix.ETH_P_ALL), Ifindex: dev.Attrs().Index}); err != nil {
		return nil, fmt.Errorf("node %s: listen on %s: %w", n.spec.Name, link, err)
	}
	var out [][]byte
	buf := make([]byte, 64<<10)
	for deadline := time.Now().Add(patience); len(out) < count; {
		if time.Now().After(deadline) {
			return out, fmt.Errorf("node %s: %d of %d frames wanted came on %s within %v", n.spec.Name, len(out), count, link, patience)
		}
		size, _, err := unix.Recvfrom(fd, buf, 0)
		switch {
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return out, fmt.Errorf("node %s: listen on %s: %w", n.spec.Name, link, err)
		case match(buf[:size]):
			out = append(out, bytes.Clone(buf[:size]))
		}
	}
	return out, nil
}
