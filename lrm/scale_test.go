package lrm

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
)

// cpu returns the processor time this process has used.
func cpu(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func TestThreeHundredAddresses(t *testing.T) {
	nic := cable(t)
	r := newRig(t, nil)
	const n = 300
	began, used := time.Now(), cpu(t)
	for i := range n {
		r.Execute(heartbeatOp(fmt.Sprintf("ip%d", i), "IPaddr", "start",
			map[string]string{"ip": fmt.Sprintf("192.168.71.%d", 2+i%250), "nic": "qlrm-a", "cidr_netmask": fmt.Sprint(24 + i/250)}))
	}
	for range n {
		if res := r.next(); res.RC != 0 {
			t.Fatalf("%+v", res)
		}
	}
	t.Logf("%d starts took %s and %s of processor time", n, time.Since(began), cpu(t)-used)
	if got := len(strings.Fields(addresses(t, nic))); got != 251 {
		t.Errorf("%d addresses, want 251 (50 were asked for twice)", got)
	}
	began, used = time.Now(), cpu(t)
	rel := r.StopAll(context.Background(), time.Now().Add(20*time.Second))
	t.Logf("StopAll took %s and %s of processor time", time.Since(began), cpu(t)-used)
	for _, x := range rel {
		if x.How != ReleasedByStop {
			t.Errorf("%+v", x)
		}
	}
	list, err := netlink.AddrList(nic, netlink.FAMILY_V4)
	if err != nil || len(list) != 1 {
		t.Errorf("%d addresses are left, %v", len(list), err)
	}
}

func TestTwoThousandMonitors(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED with -short: takes some seconds")
	}
	r := newRig(t, nil)
	const n, interval = 700, time.Second // 2,000 resources on 3 nodes, at ten times their pace
	for i := range n {
		r.Execute(heartbeatOp(fmt.Sprintf("d%d", i), "Dummy", "start", nil))
	}
	for range n {
		if res := r.next(); res.RC != 0 {
			t.Fatalf("%+v", res)
		}
	}
	for i := range n {
		o := heartbeatOp(fmt.Sprintf("d%d", i), "Dummy", "monitor", nil)
		o.Interval = interval
		r.Execute(o)
	}
	for range n {
		if res := r.next(); res.RC != 0 {
			t.Fatalf("%+v", res)
		}
	}
	used, began := cpu(t), time.Now()
	<-time.After(4 * interval) // what is measured is four intervals of work
	wall := time.Since(began)
	t.Logf("%d monitors each %s use %.1f %% of a core", n, interval, 100*float64(cpu(t)-used)/float64(wall))
	for _, h := range r.History() {
		if h.Op.Interval > 0 && time.Since(h.LastRun) > 4*interval {
			t.Errorf("%s ran last %s ago", h.Op.Key(), time.Since(h.LastRun))
		}
	}
}
