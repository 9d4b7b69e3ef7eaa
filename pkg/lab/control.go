package lab

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// InitArg is the argument that makes a program the first process of a node.
const InitArg = "lab-init"

// controlFD is the descriptor on which the first process of a node finds its
// control socket.
const controlFD = 3

// maxMessage bounds one message on the control socket, in bytes.
const maxMessage = 64 << 10

// rootSpec is what the first process of a node needs to build its root.
type rootSpec struct {
	Name string
	// Root is an empty directory on which the new root is built.
	Root string
	// Disk is the node's persistent directory.
	Disk string
	// Hosts is the file that becomes /etc/hosts.
	Hosts string
	// Files maps paths inside the node to files outside.
	Files map[string]string
}

// request goes from the lab to the first process of a node. A start carries
// three descriptors: standard input, output and error.
type request struct {
	Op   string // root, start, signal
	ID   int
	Root *rootSpec `json:",omitempty"`
	Argv []string  `json:",omitempty"`
	Env  []string  `json:",omitempty"`
	Sig  int       `json:",omitempty"`
}

// event comes back: ready once, then started or failed for each start, and
// exited when the process has ended.
type event struct {
	Kind   string // ready, started, failed, exited
	ID     int
	PID    int    `json:",omitempty"` // in the node's PID namespace
	Code   int    `json:",omitempty"` // 128 + signal when killed
	Reason string `json:",omitempty"`
}

// socketpair returns the two ends of a control socket: the lab's end as a
// connection and the node's as a file to inherit.
func socketpair() (*net.UnixConn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("control socket: %w", err)
	}
	theirs := os.NewFile(uintptr(fds[1]), "lab-control")
	ours, err := controlConn(os.NewFile(uintptr(fds[0]), "lab-control"))
	if err != nil {
		theirs.Close()
		return nil, nil, err
	}
	return ours, theirs, nil
}

func controlConn(f *os.File) (*net.UnixConn, error) {
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	return c.(*net.UnixConn), nil
}

func send(c *net.UnixConn, v any, files ...*os.File) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if len(b) > maxMessage {
		return fmt.Errorf("control message of %d bytes is longer than %d", len(b), maxMessage)
	}
	var oob []byte
	if len(files) > 0 {
		fds := make([]int, len(files))
		for i, f := range files {
			fds[i] = int(f.Fd())
		}
		oob = syscall.UnixRights(fds...)
	}
	_, _, err = c.WriteMsgUnix(b, oob, nil)
	return err
}

// receive reads one message into v and returns the descriptors that came with
// it. The end of the peer is an error like any other.
func receive(c *net.UnixConn, v any) ([]int, error) {
	buf := make([]byte, maxMessage)
	oob := make([]byte, syscall.CmsgSpace(3*4))
	n, on, _, _, err := c.ReadMsgUnix(buf, oob)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, net.ErrClosed
	}
	var fds []int
	msgs, err := syscall.ParseSocketControlMessage(oob[:on])
	if err != nil {
		return nil, err
	}
	for _, m := range msgs {
		got, err := syscall.ParseUnixRights(&m)
		if err != nil {
			return nil, err
		}
		fds = append(fds, got...)
	}
	for _, fd := range fds {
		syscall.CloseOnExec(fd)
	}
	return fds, json.Unmarshal(buf[:n], v)
}
