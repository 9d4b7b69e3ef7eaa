package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

const public = "192.168.71."

// pair is a lab with the nodes a and b on one segment.
func pair(t *testing.T) (*Lab, *Node, *Node) {
	t.Helper()
	l, err := New(Options{Segments: []string{"public", "heartbeat"}, TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	add := func(name string, host int) *Node {
		n, err := l.AddNode(Spec{Name: name, Links: []Link{
			{Name: "eth0", Segment: "public", Addr: netip.MustParsePrefix(fmt.Sprintf("192.168.71.%d/24", host)), Names: []string{name + "_vip"}},
			{Name: "eth1", Segment: "heartbeat", Addr: netip.MustParsePrefix(fmt.Sprintf("192.168.68.%d/24", host))},
		}})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return l, add("a", 1), add("b", 2)
}

func sh(t *testing.T, n *Node, script string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	r, err := n.Exec(ctx, "sh", "-c", script)
	if err != nil {
		t.Fatal(err)
	}
	if r.Code != 0 {
		t.Fatalf("%s: %q exits %d: %s%s", n.Name(), script, r.Code, r.Stdout, r.Stderr)
	}
	return strings.TrimSpace(string(r.Stdout))
}

// until polls for a state and fails after a deadline.
func until(t *testing.T, what string, f func() bool) {
	t.Helper()
	deadline := time.Now().Add(15 * time.Second)
	for !f() {
		if time.Now().After(deadline) {
			t.Fatalf("not reached in 15 s: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestNodeIsAMachineOfItsOwn(t *testing.T) {
	_, a, b := pair(t)
	if got := sh(t, a, "hostname"); got != "a" {
		t.Errorf("host name %q, want a", got)
	}
	if got := sh(t, a, "cat /etc/hostname"); got != "a" {
		t.Errorf("/etc/hostname %q, want a", got)
	}
	hosts := sh(t, a, "cat /etc/hosts")
	for _, want := range []string{"192.168.71.1 a a_vip", "192.168.71.2 b b_vip"} {
		if !strings.Contains(hosts, want) {
			t.Errorf("/etc/hosts of a lacks %q:\n%s", want, hosts)
		}
	}
	if got := sh(t, b, "getent hosts a_vip"); !strings.HasPrefix(got, "192.168.71.1") {
		t.Errorf("a_vip resolves to %q", got)
	}
	// Private places: what a writes, neither b nor the host sees.
	for _, d := range []string{"/run", "/var/run", "/tmp", "/var/lib", "/etc/ha.d", "/var/log", "/dev/shm"} {
		p := d + "/quorate-lab-test"
		sh(t, a, "echo x > "+p)
		sh(t, b, "test ! -e "+p)
		if _, err := os.Stat(p); err == nil {
			t.Errorf("%s of the node appeared on the host", p)
		}
	}
	if _, err := os.Stat(a.Disk("etc/ha.d/quorate-lab-test")); err != nil {
		t.Errorf("Disk does not show /etc/ha.d of the node: %v", err)
	}
	// Everything else of the host is read-only or absent.
	for _, p := range []string{"/usr", "/etc/ssl", "/lab/etc"} {
		sh(t, a, "! touch "+p+"/quorate-lab-test 2>/dev/null")
	}
	sh(t, a, "test ! -e /dev/watchdog && test ! -e "+filepath.Dir(a.Dir()))
	if got := sh(t, a, "ls -d /proc/[0-9]* | wc -l"); len(got) > 1 {
		t.Errorf("the node sees %s processes; its own are a handful", got)
	}
	if got := sh(t, a, "cat /proc/net/dev | grep -c eth"); got != "2" {
		t.Errorf("%s interfaces, want eth0 and eth1", got)
	}
}

func TestExec(t *testing.T) {
	_, a, _ := pair(t)
	ctx := t.Context()
	r, err := a.Exec(ctx, "sh", "-c", "echo out; echo err >&2; exit 7")
	if err != nil || r.Code != 7 || string(r.Stdout) != "out\n" || string(r.Stderr) != "err\n" {
		t.Errorf("got %+v, %v", r, err)
	}
	if r, err = a.Exec(ctx, "sh", "-c", "kill -9 $$"); err != nil || r.Code != 137 {
		t.Errorf("a killed program gives %+v, %v; want code 137", r, err)
	}
	if _, err = a.Exec(ctx, "no-such-program"); err == nil || !strings.Contains(err.Error(), "no-such-program") {
		t.Errorf("a missing program gives %v", err)
	}
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	if _, err = a.Exec(short, "sh", "-c", "sleep 1000 & sleep 1000"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a program that never ends gives %v", err)
	}
	sh(t, a, "! grep -l sleep /proc/[0-9]*/comm")
	big, err := a.Exec(ctx, "head", "-c", "3000000", "/dev/zero")
	if err != nil || len(big.Stdout) != 3000000 {
		t.Errorf("%d bytes of a long output, %v", len(big.Stdout), err)
	}
}

func TestStart(t *testing.T) {
	_, a, _ := pair(t)
	p, err := a.Start("sh", "-c", "trap 'echo bye; exit 3' TERM; echo begun; while :; do sleep 0.02; done")
	if err != nil {
		t.Fatal(err)
	}
	read := func() string { b, _ := os.ReadFile(p.Log); return string(b) }
	until(t, "the program's first line in its log", func() bool { return strings.Contains(read(), "begun") })
	if got := sh(t, a, fmt.Sprintf("cat /proc/%d/comm", p.PID)); got != "sh" {
		t.Errorf("process %d of the node is %q", p.PID, got)
	}
	u, err := a.Usage()
	if err != nil || u.RSS == 0 || !slices.Contains(u.Commands, "sh") {
		t.Errorf("usage %+v, %v; want the size of sh", u, err)
	}
	if err := p.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code, err := p.Wait(t.Context()); code != 3 || err != nil {
		t.Errorf("ends with %d, %v; want 3", code, err)
	}
	if !strings.Contains(read(), "bye") {
		t.Errorf("log %q", read())
	}
}

func TestUsageCountsProcessorTime(t *testing.T) {
	_, a, _ := pair(t)
	before, err := a.Usage()
	if err != nil {
		t.Fatal(err)
	}
	// A child that has ended counts as well.
	sh(t, a, "(i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done)")
	after, err := a.Usage()
	if err != nil {
		t.Fatal(err)
	}
	if d := after.CPU - before.CPU; d < 20*time.Millisecond {
		t.Errorf("a loop of 300000 rounds cost %v", d)
	}
}

func TestCrashAndBoot(t *testing.T) {
	l, a, b := pair(t)
	vip := netip.MustParseAddr(public + "205")
	mac := sh(t, a, "cat /sys/class/net/eth0/address 2>/dev/null || ip -o link show eth0 | sed 's/.*ether \\([^ ]*\\).*/\\1/'")
	sh(t, a, "echo kept > /var/lib/file; echo lost > /run/file; ip addr add "+public+"205/24 dev eth0 label eth0:0")
	p, err := a.Start("sleep", "1000")
	if err != nil {
		t.Fatal(err)
	}
	probe, err := b.NewProbe(vip, 5*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	defer probe.Stop()
	until(t, "an answer of the address", func() bool { return !probe.LastReply().IsZero() })
	if got := l.Sample(vip); !slices.Equal(got, []string{"a"}) {
		t.Fatalf("owners %v, want a", got)
	}
	pid := a.machine().cmd.Process.Pid
	if err := a.Crash(); err != nil {
		t.Fatal(err)
	}
	crashed := time.Now()
	if got := l.Sample(vip); len(got) != 0 {
		t.Errorf("owners after the crash: %v", got)
	}
	if _, err := p.Wait(t.Context()); !errors.Is(err, ErrDown) {
		t.Errorf("the process ends with %v, want ErrDown", err)
	}
	if err := syscall.Kill(pid, 0); err != syscall.ESRCH {
		t.Errorf("the node's first process is still there: %v", err)
	}
	if _, err := a.Exec(t.Context(), "true"); !errors.Is(err, ErrDown) {
		t.Errorf("Exec on a dead node: %v", err)
	}
	if err := a.Crash(); !errors.Is(err, ErrDown) {
		t.Errorf("second crash: %v", err)
	}
	until(t, "ten questions after the crash", func() bool {
		e := probe.Echoes()
		return len(e) > 10 && e[len(e)-10].Sent.After(crashed)
	})
	if last := probe.LastReply(); last.After(crashed) {
		t.Errorf("the dead node answered %v after its crash", last.Sub(crashed))
	}
	if err := a.Boot(); err != nil {
		t.Fatal(err)
	}
	if err := a.Boot(); !errors.Is(err, ErrUp) {
		t.Errorf("second boot: %v", err)
	}
	if got := sh(t, a, "cat /var/lib/file; test ! -e /run/file; ip -o link show eth0"); !strings.HasPrefix(got, "kept") || !strings.Contains(got, mac) {
		t.Errorf("after the boot: %q; want the file on disk and the MAC %s", got, mac)
	}
	if got := l.Sample(vip); len(got) != 0 {
		t.Errorf("the address survived the crash on %v", got)
	}
	if got := l.Sample(netip.MustParseAddr(public + "1")); !slices.Equal(got, []string{"a"}) {
		t.Errorf("the fixed address is on %v", got)
	}
}

// A node whose system resets itself goes down and can be booted.
func TestResetFromWithin(t *testing.T) {
	_, a, _ := pair(t)
	p, err := a.Start("sleep", "1000")
	if err != nil {
		t.Fatal(err)
	}
	m := a.machine()
	if err := m.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Wait(t.Context()); !errors.Is(err, ErrDown) {
		t.Errorf("the process ends with %v", err)
	}
	until(t, "node down", func() bool { return !a.Up() })
	if err := a.Boot(); err != nil {
		t.Fatal(err)
	}
	sh(t, a, "true")
}
