package ipvs

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"testing"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// world is a client, a director and real servers, each a network namespace: the
// servers' route to the client leads through the director.
type world struct {
	t                *testing.T
	client, director netns.NsHandle
}

// in runs f in a network namespace.
func in(t *testing.T, ns netns.NsHandle, f func() error) {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		if err := netns.Set(ns); err != nil {
			done <- err
			return
		}
		done <- f()
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// newNS makes a namespace with its loopback device up.
func newNS(t *testing.T) netns.NsHandle {
	t.Helper()
	made := make(chan netns.NsHandle, 1)
	failed := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		ns, err := netns.New()
		if err == nil {
			var lo netlink.Link
			if lo, err = netlink.LinkByName("lo"); err == nil {
				err = netlink.LinkSetUp(lo)
			}
		}
		if err != nil {
			failed <- err
			return
		}
		made <- ns
	}()
	select {
	case ns := <-made:
		t.Cleanup(func() { _ = ns.Close() })
		return ns
	case err := <-failed:
		t.Skipf("SKIPPED: no network namespace can be made: %v", err)
	}
	return 0
}

// ip runs commands of iproute2.
func ip(lines ...[]string) error {
	for _, l := range lines {
		if out, err := exec.Command("ip", l...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %v: %w: %s", l, err, out)
		}
	}
	return nil
}

// cable joins the director with another namespace: DIRECTOR.1 and .2 of a net.
func (w *world) cable(ns netns.NsHandle, name string, prefix string) {
	w.t.Helper()
	in(w.t, w.director, func() error {
		far := name + "-f"
		v := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: name}, PeerName: far}
		if err := netlink.LinkAdd(v); err != nil {
			return err
		}
		l, err := netlink.LinkByName(far)
		if err == nil {
			err = netlink.LinkSetNsFd(l, int(ns))
		}
		if err != nil {
			return err
		}
		return ip([]string{"addr", "add", prefix + ".1/24", "dev", name}, []string{"link", "set", name, "up"})
	})
	in(w.t, ns, func() error {
		return ip([]string{"addr", "add", prefix + ".2/24", "dev", name + "-f"}, []string{"link", "set", name + "-f", "up"},
			[]string{"route", "add", "default", "via", prefix + ".1"})
	})
}

// server is a real server that answers with its name on a port.
func (w *world) server(name, prefix string, port int) netns.NsHandle {
	w.t.Helper()
	ns := newNS(w.t)
	w.cable(ns, name, prefix)
	in(w.t, ns, func() error {
		l, err := net.Listen("tcp", fmt.Sprintf("%s.2:%d", prefix, port))
		if err != nil {
			return err
		}
		s := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			from, _, _ := net.SplitHostPort(r.RemoteAddr)
			fmt.Fprintf(rw, "%s %s", name, from)
		})}
		go func() { _ = s.Serve(l) }()
		w.t.Cleanup(func() { _ = s.Close() })
		return nil
	})
	return ns
}

func newWorld(t *testing.T) *world {
	t.Helper()
	for _, p := range []string{"nft", "ip"} {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("SKIPPED: %s is not installed", p)
		}
	}
	w := &world{t: t, director: newNS(t), client: newNS(t)}
	in(t, w.director, func() error { return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0) })
	w.cable(w.client, "qlvs-c", "10.88.0")
	in(t, w.director, func() error { return ip([]string{"addr", "add", "10.88.9.1/32", "dev", "lo"}) })
	return w
}
