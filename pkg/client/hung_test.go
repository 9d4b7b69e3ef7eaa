package client

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quorate/quorate/pkg/cli"
)

// TestHung: a daemon that answers nothing is told from one whose answer takes
// long, and from one that ends.
func TestHung(t *testing.T) {
	dir := t.TempDir()
	ln, err := net.Listen("unix", filepath.Join(dir, SocketName))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	// Edits are never answered, questions for the status only while it lives.
	var lives atomic.Bool
	lives.Store(true)
	asked := make(chan struct{}, 100)
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				for s := bufio.NewScanner(conn); s.Scan(); {
					if strings.Contains(s.Text(), string(VerbStatus)) && lives.Load() {
						fmt.Fprintln(conn, "{}")
						asked <- struct{}{}
					}
				}
			}()
		}
	}()
	c, err := Dial(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.patience, c.bound = 20*time.Millisecond, 50*time.Millisecond
	answer := make(chan error, 1)
	go func() {
		_, err := c.Do(t.Context(), &Request{Verb: VerbEdit})
		answer <- err
	}()
	for range 3 {
		<-asked
	}
	select {
	case err := <-answer:
		t.Fatalf("given up although the daemon answers others: %v", err)
	default:
	}
	lives.Store(false)
	err = <-answer
	var exit *cli.Exit
	if !errors.Is(err, ErrHung) || !errors.As(err, &exit) || exit.Code != cli.ExitTimeout {
		t.Fatalf("%v", err)
	}
	want := fmt.Sprintf("the cluster daemon on this node does not answer (pid %d): it took the question and has been silent for 0s; it is stopped (go on with: kill -CONT %[1]d)", os.Getpid())
	if !strings.HasPrefix(err.Error(), want) {
		t.Errorf("%v", err)
	}
	// One that ends is not hung.
	c, err = Dial(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.patience, c.bound = time.Hour, time.Hour
	go func() {
		_, err := c.Do(t.Context(), &Request{Verb: VerbEdit})
		answer <- err
	}()
	ln.Close()
	c.conn.Close()
	if err := <-answer; errors.Is(err, ErrHung) || !strings.Contains(err.Error(), "connection to the cluster daemon lost") {
		t.Errorf("%v", err)
	}
}
