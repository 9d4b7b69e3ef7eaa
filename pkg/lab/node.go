package lab

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Link is one network interface of a node.
type Link struct {
	// Name is the interface's name in the node, such as eth0.
	Name string
	// Segment is one of the lab's segments.
	Segment string
	// Addr is the fixed address with its prefix length.
	Addr netip.Prefix
	// Names are put into every node's /etc/hosts for this address, besides the
	// node's own name, which goes with its first link.
	Names []string
}

// Spec describes a node.
type Spec struct {
	// Name is the node's host name.
	Name string
	// Links are its interfaces.
	Links []Link
	// Devices maps paths inside the node to device files outside, such as the end
	// of a [Serial].
	Devices map[string]string
}

// Node is one machine of a lab. Its methods may be called from any goroutine.
type Node struct {
	lab  *Lab
	spec Spec
	dir  string
	id   int

	mu  sync.Mutex
	run *machine // nil when the node is down
}

// machine is a node from one boot to its end.
type machine struct {
	cmd    *exec.Cmd
	conn   *net.UnixConn
	ns     netns.NsHandle
	h      *netlink.Handle
	reader *addrReader
	dead   chan struct{} // closed when the first process is buried

	mu    sync.Mutex
	next  int
	procs map[int]*Process
	gone  bool
}

// AddNode adds a node with an empty disk and boots it.
func (l *Lab) AddNode(spec Spec) (*Node, error) {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil, ErrClosed
	}
	if slices.ContainsFunc(l.nodes, func(n *Node) bool { return n.spec.Name == spec.Name }) {
		l.mu.Unlock()
		return nil, fmt.Errorf("the lab has a node %s already", spec.Name)
	}
	n := &Node{lab: l, spec: spec, dir: filepath.Join(l.dir, spec.Name), id: len(l.nodes)}
	err := n.makeDisk()
	if err == nil {
		l.nodes = append(l.nodes, n)
		err = l.writeHosts()
	}
	l.mu.Unlock()
	if err != nil {
		return nil, fmt.Errorf("node %s: %w", spec.Name, err)
	}
	if err := n.Boot(); err != nil {
		return nil, err
	}
	return n, nil
}

func (n *Node) makeDisk() error {
	if err := os.MkdirAll(filepath.Join(n.dir, "root"), 0o755); err != nil {
		return err
	}
	for _, d := range diskDirs {
		if err := os.MkdirAll(n.Disk(d), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// Name is the node's host name.
func (n *Node) Name() string { return n.spec.Name }

// Dir is the node's folder outside, with its disk and the output of its
// processes.
func (n *Node) Dir() string { return n.dir }

// Disk returns where a path of the node lies outside. Only what is below
// /etc/ha.d, /var/lib and /var/log is on the disk; it survives Crash and Boot.
func (n *Node) Disk(path ...string) string {
	return filepath.Join(append([]string{n.dir, "disk"}, path...)...)
}

func (n *Node) hostsPath() string { return filepath.Join(n.dir, "hosts") }

func (n *Node) port(i int) string { return fmt.Sprintf("n%d-%d", n.id, i) }

// mac is the same at every boot, and made from the node's and the link's name.
func (n *Node) mac(link string) net.HardwareAddr {
	sum := sha256.Sum256([]byte(n.spec.Name + "/" + link))
	return net.HardwareAddr{0x02, sum[0], sum[1], sum[2], sum[3], sum[4]}
}

// Up reports whether the node runs.
func (n *Node) Up() bool { return n.machine() != nil }

func (n *Node) machine() *machine {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.run
}

// Boot powers the node on: new namespaces, the same disk, MAC addresses and
// fixed addresses. It returns when the node can execute programs. A node that
// runs gives [ErrUp].
func (n *Node) Boot() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.run != nil {
		return fmt.Errorf("node %s: %w", n.spec.Name, ErrUp)
	}
	m, err := n.start()
	if err != nil {
		return fmt.Errorf("node %s: boot: %w", n.spec.Name, err)
	}
	if err := n.wire(m); err != nil {
		m.cmd.Process.Kill()
		n.bury(m)
		return fmt.Errorf("node %s: network: %w", n.spec.Name, err)
	}
	n.run = m
	go m.listen()
	go n.watch(m)
	return nil
}

// start makes the namespaces and the root; the network is still empty.
func (n *Node) start() (*machine, error) {
	conn, theirs, err := socketpair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	console, err := os.OpenFile(filepath.Join(n.dir, "console.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		conn.Close()
		return nil, err
	}
	defer console.Close()
	cmd := exec.Command(n.lab.opts.Init, InitArg, n.spec.Name)
	cmd.ExtraFiles = []*os.File{theirs} // descriptor 3, controlFD
	cmd.Stdout, cmd.Stderr = console, console
	// The first process idles; one thread at a time is enough for it.
	cmd.Env = []string{"GOMAXPROCS=1", "PATH=" + nodePath}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET,
		Pdeathsig:  syscall.SIGKILL,
		Setsid:     true,
	}
	m := &machine{cmd: cmd, conn: conn, ns: netns.None(), dead: make(chan struct{}), procs: map[int]*Process{}}
	if err := n.lab.onSpawner(cmd.Start); err != nil {
		conn.Close()
		if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSPC) {
			return nil, forbidden(err)
		}
		return nil, err
	}
	go func() {
		cmd.Wait()
		close(m.dead)
	}()
	spec := &rootSpec{Name: n.spec.Name, Root: filepath.Join(n.dir, "root"), Disk: n.Disk(), Hosts: n.hostsPath(), Files: maps.Clone(n.lab.opts.Files)}
	if spec.Files == nil {
		spec.Files = map[string]string{}
	}
	maps.Copy(spec.Files, n.spec.Devices)
	var ev event
	err = send(conn, request{Op: "root", Root: spec})
	if err == nil {
		// The node's copy of this descriptor is the only one left, so its death
		// ends the wait.
		theirs.Close()
		_, err = receive(conn, &ev)
	}
	if err == nil && ev.Kind != "ready" {
		err = errors.New(ev.Reason)
	}
	if err != nil {
		cmd.Process.Kill()
		<-m.dead
		conn.Close()
		return nil, fmt.Errorf("%w (see %s)", err, console.Name())
	}
	return m, nil
}

// wire lays the node's cables and gives its interfaces their addresses.
func (n *Node) wire(m *machine) error {
	var err error
	if m.ns, err = netns.GetFromPid(m.cmd.Process.Pid); err != nil {
		return err
	}
	if m.h, err = netlink.NewHandleAt(m.ns, unix.NETLINK_ROUTE); err != nil {
		return err
	}
	if m.reader, err = newAddrReader(m.ns); err != nil {
		return err
	}
	lo, err := m.h.LinkByName("lo")
	if err != nil {
		return err
	}
	if err := m.h.LinkSetUp(lo); err != nil {
		return err
	}
	for i, l := range n.spec.Links {
		if err := n.lab.hub.plug(l.Segment, n.port(i), m.ns, l.Name, n.mac(l.Name)); err != nil {
			return err
		}
		link, err := m.h.LinkByName(l.Name)
		if err != nil {
			return err
		}
		addr := &netlink.Addr{IPNet: &net.IPNet{IP: l.Addr.Addr().AsSlice(), Mask: net.CIDRMask(l.Addr.Bits(), l.Addr.Addr().BitLen())}}
		if err := m.h.AddrAdd(link, addr); err != nil {
			return fmt.Errorf("%s on %s: %w", l.Addr, l.Name, err)
		}
		if err := m.h.LinkSetUp(link); err != nil {
			return err
		}
	}
	return nil
}

// Crash is the power cord: the cables fall silent and every process dies at
// once, and the kernel's state of the node, its addresses with it, is gone. It
// returns when nothing is left. A node that is down gives [ErrDown].
func (n *Node) Crash() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	m := n.run
	if m == nil {
		return fmt.Errorf("node %s: %w", n.spec.Name, ErrDown)
	}
	for i := range n.spec.Links {
		if err := n.lab.hub.silence(n.port(i)); err != nil {
			return fmt.Errorf("node %s: %w", n.spec.Name, err)
		}
	}
	m.cmd.Process.Kill()
	n.run = nil
	return n.bury(m)
}

// bury waits for the end of a machine's processes and removes what is left of
// it. The caller holds n.mu.
func (n *Node) bury(m *machine) error {
	<-m.dead
	m.release()
	var errs []error
	for i := range n.spec.Links {
		errs = append(errs, n.lab.hub.unplug(n.port(i)))
	}
	return errors.Join(errs...)
}

// watch cleans up after a machine that ended without Crash: one that rebooted
// or whose first process was killed stays down until Boot.
func (n *Node) watch(m *machine) {
	<-m.dead
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.run == m {
		n.run = nil
		n.bury(m)
	}
}

// release closes what keeps the machine's namespaces alive and tells its
// processes.
func (m *machine) release() {
	m.mu.Lock()
	if m.gone {
		m.mu.Unlock()
		return
	}
	m.gone = true
	procs := m.procs
	m.procs = nil
	m.mu.Unlock()
	for _, p := range procs {
		p.finish(-1, ErrDown)
	}
	m.conn.Close()
	if m.reader != nil {
		m.reader.close()
	}
	if m.h != nil {
		m.h.Close()
	}
	if m.ns.IsOpen() {
		m.ns.Close()
	}
}

// holds reports whether one of the node's interfaces has the address now.
func (n *Node) holds(addr netip.Addr) bool {
	m := n.machine()
	if m == nil || m.reader == nil {
		return false
	}
	return m.reader.holds(addr)
}
