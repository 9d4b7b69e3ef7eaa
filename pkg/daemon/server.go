package daemon

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/client"
)

// caller is who sits at the other end of the socket.
type caller struct {
	// known tells that the kernel has said who it is, remote that a password has.
	known    bool
	remote   bool
	uid, gid uint32
	user     string
	pid      int
	prog     string
}

// server accepts the connections of commands. Each has a goroutine; what it
// asks for is done by the owner goroutine of the daemon through handle.
type server struct {
	ln  net.Listener
	log *slog.Logger
	// admits says who may ask; nil lets everybody in whom the socket's mode lets in.
	admits func(*caller) bool
	handle func(context.Context, caller, *client.Request, func(*client.Response) error) error
}

// listen makes the socket: for root and, where it exists, the group haclient;
// open to all, where the daemon itself has to tell who may come in.
func listen(runDir string, open bool) (net.Listener, error) {
	path := filepath.Join(runDir, client.SocketName)
	if c, err := net.Dial("unix", path); err == nil {
		c.Close()
		return nil, fmt.Errorf("%s: a daemon answers there already; stop it first, or give this one another --run-dir", path)
	}
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	old := unix.Umask(0o177)
	ln, err := net.Listen("unix", path)
	unix.Umask(old)
	if err != nil {
		return nil, err
	}
	if open {
		if err := os.Chmod(path, 0o666); err != nil {
			ln.Close()
			return nil, err
		}
	} else if g, err := user.LookupGroup(adminGroup); err == nil {
		if gid, err := strconv.Atoi(g.Gid); err == nil {
			if os.Chown(path, -1, gid) == nil {
				os.Chmod(path, 0o660)
			}
		}
	}
	return ln, nil
}

func (s *server) serve(ctx context.Context) {
	context.AfterFunc(ctx, func() { s.ln.Close() })
	for {
		c, err := s.ln.Accept()
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return
			}
			// Out of descriptors, say: that passes.
			s.log.Error(fmt.Sprintf("socket for commands: %v; trying again", err))
			select {
			case <-time.After(acceptRetry):
			case <-ctx.Done():
			}
			continue
		}
		go s.connection(ctx, c.(*net.UnixConn))
	}
}

// refusalBound is how long the server waits for the question of a client that
// gets no answer but a refusal.
const refusalBound = time.Second

// acceptRetry is how long the server waits after a failed accept.
const acceptRetry = 100 * time.Millisecond

func (s *server) connection(ctx context.Context, c *net.UnixConn) {
	defer c.Close()
	who := peer(c)
	if s.admits != nil && !s.admits(&who) {
		s.log.Warn(fmt.Sprintf("%s (pid %d, %s) may not talk to the cluster: it is neither root nor in the group %s, and no apiauth line names it", who.user, who.pid, who.prog, adminGroup))
		// The answer comes after the question, or the client would find a closed door.
		c.SetDeadline(time.Now().Add(refusalBound))
		bufio.NewReaderSize(c, 4096).ReadSlice('\n')
		json.NewEncoder(c).Encode(&client.Response{Code: cli.ExitNoPerm, Error: fmt.Sprintf("permission denied: %s is neither root nor in the group %s, and no apiauth line of ha.cf names it", who.user, adminGroup)})
		return
	}
	s.session(ctx, c, who)
}

// session answers a caller until the connection ends.
func (s *server) session(ctx context.Context, c net.Conn, who caller) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	enc := json.NewEncoder(c)
	enc.SetEscapeHTML(false)
	reply := func(r *client.Response) error { return enc.Encode(r) }
	r := bufio.NewReaderSize(c, lineBuffer)
	for {
		line, err := readRequest(r)
		switch {
		case errors.Is(err, errLongRequest):
			reply(&client.Response{Code: cli.ExitDataErr, Error: err.Error()})
			return
		case errors.Is(err, errNoJSON):
			reply(&client.Response{Code: cli.ExitUsage, Error: err.Error()})
			return
		case err != nil:
			return
		}
		var req client.Request
		if err := json.Unmarshal(line, &req); err != nil {
			reply(&client.Response{Code: cli.ExitUsage, Error: "request is no JSON document: " + err.Error()})
			return
		}
		if req.Verb == client.VerbWatch || req.Verb == client.VerbSubscribe {
			// Nothing more is asked on this connection: its end ends the watch.
			go func() {
				io.Copy(io.Discard, c)
				cancel()
			}()
		}
		if err := s.handle(ctx, who, &req, reply); err != nil {
			if !errors.Is(err, io.EOF) && ctx.Err() == nil {
				s.log.Debug(fmt.Sprintf("client %s (pid %d): %v", who.user, who.pid, err))
			}
			return
		}
	}
}

// peer asks the kernel who connected.
func peer(c *net.UnixConn) caller {
	who := caller{user: "unknown"}
	raw, err := c.SyscallConn()
	if err != nil {
		return who
	}
	raw.Control(func(fd uintptr) {
		cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
		if err != nil {
			return
		}
		who.known, who.uid, who.gid = true, cred.Uid, cred.Gid
		who.pid = int(cred.Pid)
		who.user = strconv.Itoa(int(cred.Uid))
		if u, err := user.LookupId(who.user); err == nil {
			who.user = u.Username
		}
		if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", cred.Pid)); err == nil && len(b) > 1 {
			who.prog = string(b[:len(b)-1])
		}
	})
	return who
}
