package client

import (
	"bufio"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/quorate/quorate/pkg/cli"
)

// Environment variables that lead a command to a cluster over the network, as
// Pacemaker's tools have them; the last is ours.
const (
	EnvServer      = "CIB_server"
	EnvPort        = "CIB_port"
	EnvUser        = "CIB_user"
	EnvPassword    = "CIB_passwd"
	EnvFingerprint = "CIB_fingerprint"
)

// Login is the first line that a client on the network sends.
type Login struct {
	User     string `json:"user"`
	Password string `json:"password"`
	Program  string `json:"program,omitempty"`
}

// loginBound is how long connecting and logging in may take.
const loginBound = 15 * time.Second

// dialRemote connects to the daemon that the environment names.
func dialRemote() (*Client, error) {
	server, port, user := os.Getenv(EnvServer), os.Getenv(EnvPort), os.Getenv(EnvUser)
	if port == "" {
		return nil, cli.Exitf(cli.ExitUsage, "%s is set without %s: the port is remote-tls-port of the cluster's CIB", EnvServer, EnvPort)
	}
	if user == "" {
		user = "hacluster"
	}
	want := strings.ToLower(strings.ReplaceAll(os.Getenv(EnvFingerprint), ":", ""))
	seen := ""
	conf := &tls.Config{MinVersion: tls.VersionTLS13, InsecureSkipVerify: true, // the fingerprint is what is verified, below
		VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error {
			sum := sha256.Sum256(raw[0])
			if seen = hex.EncodeToString(sum[:]); seen != want {
				return errUntrusted
			}
			return nil
		}}
	ctx, cancel := context.WithTimeout(context.Background(), loginBound)
	defer cancel()
	address := net.JoinHostPort(server, port)
	conn, err := (&tls.Dialer{Config: conf}).DialContext(ctx, "tcp", address)
	switch {
	case errors.Is(err, errUntrusted) && want == "":
		return nil, cli.Exitf(cli.ExitNoPerm, "%s is not trusted: no password was sent. Compare with the fingerprint in that node's log, then set %s=%s", address, EnvFingerprint, seen)
	case errors.Is(err, errUntrusted):
		return nil, cli.Exitf(cli.ExitNoPerm, "%s has the fingerprint %s, and %s asks for another: no password was sent", address, seen, EnvFingerprint)
	case err != nil:
		return nil, &cli.Exit{Code: cli.ExitDisconnect, Err: fmt.Errorf("cannot reach the cluster at %s: %w", address, err)}
	}
	c := &Client{conn: conn, r: bufio.NewReaderSize(conn, 64<<10)}
	b, err := json.Marshal(&Login{User: user, Password: os.Getenv(EnvPassword), Program: filepath.Base(os.Args[0])})
	if err == nil {
		_, err = conn.Write(append(b, '\n'))
	}
	if err == nil {
		conn.SetDeadline(time.Now().Add(loginBound))
		_, err = c.next(ctx)
		conn.SetDeadline(time.Time{})
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return c, nil
}

// errUntrusted ends a handshake with a server that is not the one asked for.
var errUntrusted = errors.New("the certificate is not the expected one")
