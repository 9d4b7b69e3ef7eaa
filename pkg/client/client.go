package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
)

// ErrDown indicates that no daemon answers on this node.
var ErrDown = errors.New("the cluster daemon is not running on this node")

// ErrHung indicates a daemon that is there and does not answer anything.
var ErrHung = errors.New("the cluster daemon on this node does not answer")

// Client is a connection to the daemon. It is not safe for concurrent use.
type Client struct {
	conn net.Conn
	r    *bufio.Reader
	path string // of the socket
	// patience is how long an answer may take until the daemon is asked whether it
	// lives, bound how long it may take for that.
	patience, bound time.Duration
	hung            atomic.Pointer[error]
}

// How long a daemon is waited for: an answer may take for ever as long as the
// daemon answers others.
const (
	answerPatience = 5 * time.Second
	signOfLife     = 10 * time.Second
)

// Dial connects to the daemon whose run directory is given. The error is ErrDown
// or says what forbids the connection.
//
// With CIB_server in the environment it is the daemon of that cluster, reached
// over TLS: CIB_port is its remote-tls-port, CIB_user (hacluster) and CIB_passwd
// are an account of its remoteusers file, and CIB_fingerprint is the one of its
// certificate, without which nothing is sent.
func Dial(runDir string) (*Client, error) {
	if os.Getenv(EnvServer) != "" {
		return dialRemote()
	}
	path := filepath.Join(runDir, SocketName)
	conn, err := net.Dial("unix", path)
	switch {
	case err == nil:
		return &Client{conn: conn, r: bufio.NewReaderSize(conn, 64<<10), path: path, patience: answerPatience, bound: signOfLife}, nil
	case errors.Is(err, fs.ErrPermission):
		return nil, cli.Exitf(cli.ExitNoPerm, "%s: permission denied: only root and members of the group haclient may talk to the cluster", path)
	case errors.Is(err, syscall.EAGAIN): // nobody takes what waits there
		return nil, hung(0, "it takes no connection at "+path)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return nil, &cli.Exit{Code: cli.ExitDisconnect, Err: fmt.Errorf("%w (no answer at %s); start it with: quorate run", ErrDown, path)}
	}
	return nil, &cli.Exit{Code: cli.ExitDisconnect, Err: fmt.Errorf("cannot reach the cluster daemon: %w", err)}
}

// Close ends the connection.
func (c *Client) Close() error { return c.conn.Close() }

// Do sends one request and returns its answer; an answer with a code is a
// *cli.Exit. When ctx ends first the connection is closed.
func (c *Client) Do(ctx context.Context, req *Request) (*Response, error) {
	b, err := marshalLine(req)
	if err != nil {
		return nil, err
	}
	if len(b) > MaxLine {
		return nil, cli.Exitf(cli.ExitDataErr, "the request has %d MB, where %d MB are the most that the cluster daemon reads", len(b)>>20, MaxLine>>20)
	}
	stop := context.AfterFunc(ctx, func() { c.conn.Close() })
	defer stop()
	defer c.watch()()
	if _, err := c.conn.Write(b); err != nil {
		return nil, c.lost(ctx, err)
	}
	return c.next(ctx)
}

func (c *Client) next(ctx context.Context) (*Response, error) {
	defer c.watch()()
	line, err := c.r.ReadBytes('\n')
	if err != nil {
		return nil, c.lost(ctx, err)
	}
	var resp Response
	if err := json.Unmarshal(line, &resp); err != nil {
		return nil, fmt.Errorf("answer of the cluster daemon: %w", err)
	}
	if resp.Code != 0 {
		return &resp, cli.Exitf(resp.Code, "%s", resp.Error)
	}
	return &resp, nil
}

func (c *Client) lost(ctx context.Context, err error) error {
	if h := c.hung.Load(); h != nil {
		return *h
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return &cli.Exit{Code: cli.ExitDisconnect, Err: fmt.Errorf("connection to the cluster daemon lost: %w", err)}
}

// Document returns the whole CIB as this node knows it.
func (c *Client) Document(ctx context.Context) (*cib.Element, error) {
	resp, err := c.Do(ctx, &Request{Verb: VerbCIB})
	if err != nil {
		return nil, err
	}
	return cib.Parse([]byte(resp.XML), "live CIB")
}

// Status returns what the daemon knows beyond the CIB.
func (c *Client) Status(ctx context.Context) (*Status, error) {
	resp, err := c.Do(ctx, &Request{Verb: VerbStatus})
	if err != nil {
		return nil, err
	}
	if resp.Status == nil {
		return nil, errors.New("the cluster daemon answered without a status")
	}
	return resp.Status, nil
}

// Watch calls f with the document now and after every change, until f returns
// false or ctx ends.
func (c *Client) Watch(ctx context.Context, f func(*cib.Element) bool) error {
	stop := context.AfterFunc(ctx, func() { c.conn.Close() })
	defer stop()
	resp, err := c.Do(ctx, &Request{Verb: VerbWatch})
	for ; err == nil; resp, err = c.next(ctx) {
		root, perr := cib.Parse([]byte(resp.XML), "live CIB")
		if perr != nil {
			return perr
		}
		if !f(root) {
			return nil
		}
	}
	return err
}
