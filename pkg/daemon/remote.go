package daemon

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/cli"
	"github.com/quorate/quorate/pkg/client"
)

// remotePort is the attribute of the CIB's root element with the port for
// clients that come over the network; absent or 0: nobody comes.
const remotePort = "remote-tls-port"

// Bounds of what strangers can cost.
const (
	remoteConns   = 64
	remoteLogin   = 10 * time.Second // for the handshake and the login together
	remoteRefusal = time.Second      // pause before a refusal
	remoteLine    = 4096
)

// remoteVerbs are what a client on the network may ask for.
var remoteVerbs = []string{client.VerbCIB, client.VerbEdit, client.VerbStatus, client.VerbWatch, client.VerbSubscribe, client.VerbHistory, client.VerbVersion,
	client.VerbAttrs, client.VerbController}

// remote lets clients in over the network, by TLS only. Its goroutine opens and
// closes the port as the configuration says.
type remote struct {
	stateDir, users string
	log             *slog.Logger
	session         func(context.Context, net.Conn, caller)
	want            chan int
	// login lets one password be checked at a time; a wrong one keeps it for
	// remoteRefusal, so that guessing costs little.
	login sync.Mutex
}

func newRemote(o *Options, log *slog.Logger, session func(context.Context, net.Conn, caller)) *remote {
	return &remote{stateDir: o.StateDir, users: filepath.Join(o.ConfigDir, RemoteUsersFile), log: log.With("component", "cib"), session: session, want: make(chan int, 1)}
}

// set asks for the port of a configuration. Owner goroutine.
func (r *remote) set(root *cib.Element) {
	if root == nil {
		return
	}
	port := 0
	if v, ok := root.Lookup(remotePort); ok {
		n, err := strconv.ParseUint(v, 10, 16)
		if err != nil {
			r.log.Error(fmt.Sprintf("%s=%q of the configuration is no port: a number up to 65535 is expected; nobody is let in over the network", remotePort, v))
		}
		port = int(n)
	}
	select {
	case <-r.want:
	default:
	}
	r.want <- port
}

// run serves until ctx ends.
func (r *remote) run(ctx context.Context) {
	var ln net.Listener
	open := 0
	for {
		select {
		case <-ctx.Done():
			if ln != nil {
				ln.Close()
			}
			return
		case port := <-r.want:
			if port == open {
				continue
			}
			if ln != nil {
				ln.Close()
				r.log.Info(fmt.Sprintf("port %d is closed: nobody is let in over it any more", open))
			}
			ln, open = nil, 0
			if port == 0 {
				continue
			}
			cert, print, err := remoteCertificate(r.stateDir)
			if err == nil {
				ln, err = net.Listen("tcp", net.JoinHostPort("", strconv.Itoa(port)))
			}
			if err != nil {
				r.log.Error(fmt.Sprintf("%s=%d: %v; nobody is let in over the network", remotePort, port, err))
				continue
			}
			open = port
			r.log.Info(fmt.Sprintf("clients may come over port %d with TLS; the fingerprint of this node is %s", port, print))
			go r.serve(ctx, ln, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS13})
		}
	}
}

func (r *remote) serve(ctx context.Context, ln net.Listener, conf *tls.Config) {
	places := make(chan struct{}, remoteConns)
	for {
		c, err := ln.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			r.log.Error(fmt.Sprintf("port for clients: %v; trying again", err))
			time.Sleep(acceptRetry)
			continue
		}
		select {
		case places <- struct{}{}:
			go func() {
				defer func() { <-places }()
				r.connection(ctx, tls.Server(c, conf), c.RemoteAddr().String())
			}()
		default:
			c.Close()
		}
	}
}

// connection lets a client in that knows a password.
func (r *remote) connection(ctx context.Context, c net.Conn, from string) {
	defer c.Close()
	c.SetDeadline(time.Now().Add(remoteLogin))
	reader := bufio.NewReaderSize(c, remoteLine)
	line, err := reader.ReadSlice('\n')
	if err != nil {
		r.log.Debug(fmt.Sprintf("client at %s: %v", from, err))
		return
	}
	var login client.Login
	answer := &client.Response{}
	if err = json.Unmarshal(line, &login); err == nil {
		err = r.check(&login)
	}
	if err != nil {
		r.log.Warn(fmt.Sprintf("client at %s as %q: %v", from, login.User, err))
		answer = &client.Response{Code: cli.ExitNoPerm, Error: "permission denied: " + errRemoteUser.Error()}
	}
	if json.NewEncoder(c).Encode(answer) != nil || answer.Code != 0 {
		return
	}
	c.SetDeadline(time.Time{})
	r.session(ctx, &readConn{c, reader}, caller{remote: true, user: login.User, prog: login.Program})
}

// check looks at a password.
func (r *remote) check(l *client.Login) error {
	r.login.Lock()
	defer r.login.Unlock()
	err := checkRemoteUser(r.users, l.User, l.Password)
	if err != nil {
		time.Sleep(remoteRefusal)
	}
	return err
}

// readConn goes on reading where the login has ended.
type readConn struct {
	net.Conn
	r *bufio.Reader
}

func (c *readConn) Read(b []byte) (int, error) { return c.r.Read(b) }

// remoteCertificate returns the certificate of this node and its fingerprint,
// SHA-256 of the certificate in hexadecimal; it is made when there is none.
func remoteCertificate(stateDir string) (cert tls.Certificate, fingerprint string, err error) {
	path := filepath.Join(stateDir, "remote.pem")
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if b, err = newCertificate(); err == nil {
			err = replaceFile(path, b, 0o600)
		}
	}
	if err != nil {
		return cert, "", err
	}
	if cert, err = tls.X509KeyPair(b, b); err != nil {
		return cert, "", fmt.Errorf("%s: %w; remove the file, and a new one is made", path, err)
	}
	sum := sha256.Sum256(cert.Certificate[0])
	return cert, hex.EncodeToString(sum[:]), nil
}

func newCertificate() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	now := time.Now()
	tmpl := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: "quorate"}, NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(50, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	pk, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return slices.Concat(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pk})), nil
}
