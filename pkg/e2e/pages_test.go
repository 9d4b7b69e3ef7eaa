package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// pageArg is the name under which the test's own program is a web server and a
// browser in a node.
const pageArg = "pages"

// pageMain serves the directory given, or prints the page of the URL given.
func pageMain(args []string) int {
	if strings.HasPrefix(args[0], "http://") {
		c := http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
		r, err := c.Get(args[0])
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer r.Body.Close()
		_, err = io.Copy(os.Stdout, r.Body)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return 0
	}
	if args[0] == syslogArg {
		return syslogMain(args[1], args[2])
	}
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM)
	go func() {
		<-end
		os.Exit(0)
	}()
	fmt.Fprintln(os.Stderr, http.ListenAndServe(":80", http.FileServer(http.Dir(filepath.Clean(args[0])))))
	return 1
}

// syslogArg makes the program a syslog: it appends what a socket gets to a file.
const syslogArg = "syslog"

func syslogMain(socket, file string) int {
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	b := make([]byte, 1<<16)
	for {
		n, err := c.Read(b)
		if err == nil {
			_, err = fmt.Fprintf(f, "%s\n", b[:n])
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
}

// initScript is an init script as a distribution ships it: it starts the web
// server NAME, whose pages lie in /var/lib/html, and appends its calls and its
// environment to files in /var/log.
const initScript = `#!/bin/sh
# chkconfig: - 85 15
pid=/run/NAME.pid
echo "$0 $*" >> /var/log/NAME.calls
env | grep ^HA_ | sort > /var/log/NAME.env
running() { [ -f $pid ] && kill -0 $(cat $pid) 2>/dev/null; }
case "$1" in
start)
	echo "Starting NAME"
	running && exit 0
	/lab/bin/pages /var/lib/html </dev/null >/dev/null 2>&1 &
	echo $! > $pid
	;;
stop)
	running || exit 0
	kill $(cat $pid)
	while kill -0 $(cat $pid) 2>/dev/null; do sleep 0.02; done
	rm -f $pid
	;;
status)
	if running; then echo "NAME (pid $(cat $pid)) is running..."; exit 0; fi
	echo "NAME is stopped"
	exit 3
	;;
*)
	echo "usage: $0 start|stop|restart|status"
	exit 2
esac
exit 0
`

func scriptNamed(name string) string { return strings.ReplaceAll(initScript, "NAME", name) }
