package lab

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// nodePath is the search path inside a node; the lab's own files come first.
const nodePath = "/lab/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// InitMain is the life of a node's first process: it builds the private root,
// then starts what the lab asks for and buries the dead. It ends, and the
// kernel ends every process of the node with it, when the lab's end of the
// control socket closes. The arguments are the node's name, for ps. The result
// is the exit code.
func InitMain(args []string) int {
	if os.Getpid() != 1 {
		fmt.Fprintf(os.Stderr, "%s is run by a lab as the first process of a node; it does nothing by hand\n", InitArg)
		return 2
	}
	// Only the lab ends a node. The signals are caught, not ignored: programs
	// that the node starts would inherit an ignored one.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	conn, err := controlConn(os.NewFile(controlFD, "lab-control"))
	if err != nil {
		fmt.Fprintln(os.Stderr, InitArg+":", err)
		return 2
	}
	var first request
	if _, err := receive(conn, &first); err != nil || first.Op != "root" {
		return 2
	}
	if err := buildRoot(first.Root); err != nil {
		send(conn, event{Kind: "failed", Reason: err.Error()})
		return 2
	}
	os.Setenv("PATH", nodePath)
	in := &initProcess{conn: conn, byPID: map[int]int{}, byID: map[int]int{}}
	go in.reap()
	if err := send(conn, event{Kind: "ready"}); err != nil {
		return 2
	}
	for {
		var r request
		fds, err := receive(conn, &r)
		if err != nil {
			return 0
		}
		switch r.Op {
		case "start":
			in.start(&r, fds)
		case "signal":
			in.signal(&r)
		}
		for _, fd := range fds {
			syscall.Close(fd)
		}
	}
}

// initProcess maps the processes that the lab started; those which they fork
// are only buried.
type initProcess struct {
	conn *net.UnixConn

	mu    sync.Mutex
	byPID map[int]int
	byID  map[int]int
}

func (in *initProcess) start(r *request, fds []int) {
	fail := func(err error) { send(in.conn, event{Kind: "failed", ID: r.ID, Reason: err.Error()}) }
	if len(r.Argv) == 0 || len(fds) != 3 {
		fail(fmt.Errorf("a start needs a command and three descriptors"))
		return
	}
	path, err := exec.LookPath(r.Argv[0])
	if err != nil {
		fail(err)
		return
	}
	// The lock spans fork and entry, so that the reaper finds the entry of a
	// process that ends at once.
	in.mu.Lock()
	defer in.mu.Unlock()
	pid, err := syscall.ForkExec(path, r.Argv, &syscall.ProcAttr{
		Dir:   "/",
		Env:   append([]string{"PATH=" + nodePath, "HOME=/root", "LANG=C.UTF-8"}, r.Env...),
		Files: []uintptr{uintptr(fds[0]), uintptr(fds[1]), uintptr(fds[2])},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		fail(fmt.Errorf("%s: %w", path, err))
		return
	}
	in.byPID[pid], in.byID[r.ID] = r.ID, pid
	send(in.conn, event{Kind: "started", ID: r.ID, PID: pid})
}

// signal reaches the whole session of the process when the number is negative.
func (in *initProcess) signal(r *request) {
	in.mu.Lock()
	defer in.mu.Unlock()
	pid, ok := in.byID[r.ID]
	if !ok {
		return
	}
	if r.Sig < 0 {
		syscall.Kill(-pid, syscall.Signal(-r.Sig))
		return
	}
	syscall.Kill(pid, syscall.Signal(r.Sig))
}

func (in *initProcess) reap() {
	dead := make(chan os.Signal, 16)
	signal.Notify(dead, syscall.SIGCHLD)
	for range dead {
		for in.reapOne() {
		}
	}
}

func (in *initProcess) reapOne() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	var ws syscall.WaitStatus
	pid, err := syscall.Wait4(-1, &ws, syscall.WNOHANG, nil)
	if err == syscall.EINTR {
		return true
	}
	if err != nil || pid <= 0 {
		return false
	}
	if id, ok := in.byPID[pid]; ok {
		delete(in.byPID, pid)
		delete(in.byID, id)
		code := ws.ExitStatus()
		if ws.Signaled() {
			code = 128 + int(ws.Signal())
		}
		send(in.conn, event{Kind: "exited", ID: id, PID: pid, Code: code})
	}
	return true
}

// sethostname is apart because it is the one thing of a root that is no file.
func sethostname(name string) error {
	if err := unix.Sethostname([]byte(name)); err != nil {
		return fmt.Errorf("set the host name %s: %w", name, err)
	}
	return nil
}
