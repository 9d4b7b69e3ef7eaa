// Other_state tells in which state the membership layer of this node sees
// another one: active, up, dead, init or ping. A start script asks it whether
// the other machine runs, to begin as the main server or as its copy.
//
//	other_state NODE     prints the state; exit code 0 when the node is up
//	other_state -f NODE  prints it again at every change, and what changes in
//	                     the configuration meanwhile
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/quorate/quorate/cib"
	"github.com/quorate/quorate/pkg/client"
)

func main() {
	follow := flag.Bool("f", false, "follow the changes")
	runDir := flag.String("run-dir", "/var/run/heartbeat", "where the socket of the daemon is")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: other_state [-f] NODE")
		os.Exit(64)
	}
	up, err := state(*runDir, flag.Arg(0), *follow)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(102)
	}
	if !up {
		os.Exit(1)
	}
}

// state prints the state of a node, once or at every change.
func state(runDir, node string, follow bool) (up bool, err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	c, err := client.Dial(runDir)
	if err != nil {
		return false, err
	}
	defer c.Close()
	last := ""
	err = c.Subscribe(ctx, func(e *client.Event) bool {
		s := e.Peer(node)
		if s == "" {
			s = "unknown"
		}
		if s != last {
			fmt.Println(s)
		}
		last, up = s, s == "active" || s == "up" || s == "ping"
		if e.Patch != nil && follow {
			for _, change := range e.Patch.All("change") {
				fmt.Printf("%v: %s %s\n", cib.VersionOf(e.Root), change.Get("operation"), change.Get("path"))
			}
		}
		return follow
	})
	if ctx.Err() != nil {
		err = nil // the user ended it
	}
	return up, err
}
