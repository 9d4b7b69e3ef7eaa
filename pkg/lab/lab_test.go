package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// asNobody marks a run of these tests that began without any right.
const asNobody = "QUORATE_LAB_TEST_NOBODY"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == InitArg {
		os.Exit(InitMain(os.Args[2:]))
	}
	if os.Getenv(forbid) != "" {
		os.Exit(forbidNamespaces())
	}
	inside, code, err := Enter()
	if err != nil {
		fmt.Fprintln(os.Stderr, "SKIPPED ALL OF pkg/lab:", err)
		if os.Getenv(asNobody) != "" {
			os.Exit(77)
		}
		os.Exit(0)
	}
	if !inside {
		os.Exit(code)
	}
	os.Exit(m.Run())
}

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

func TestCables(t *testing.T) {
	_, a, b := pair(t)
	there, err := b.NewProbe(netip.MustParseAddr(public+"1"), 5*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	defer there.Stop()
	other, err := b.NewProbe(netip.MustParseAddr("192.168.68.1"), 5*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Stop()
	answers := func(p *Probe) bool { return time.Since(p.LastReply()) < 30*time.Millisecond }
	quiet := func(p *Probe) bool { return time.Since(p.LastReply()) > 100*time.Millisecond }
	until(t, "both links answer", func() bool { return answers(there) && answers(other) })

	if err := a.Cut("eth0"); err != nil {
		t.Fatal(err)
	}
	until(t, "eth0 cut", func() bool { return quiet(there) })
	if !answers(other) {
		t.Error("cutting eth0 cut eth1")
	}
	if err := a.Mend("eth0"); err != nil {
		t.Fatal(err)
	}
	until(t, "eth0 mended", func() bool { return answers(there) })
	if err := a.Cut("eth7"); !errors.Is(err, ErrUnknownLink) {
		t.Errorf("cut of a link that is not there: %v", err)
	}

	// One way: frames counted on the far side tell the direction. The counters
	// are of ICMP, which nothing else here sends.
	in := func(n *Node) string { return sh(t, n, "grep '^Icmp: [0-9]' /proc/net/snmp | cut -d' ' -f2") }
	if err := a.CutOneWay(Outbound, "eth0"); err != nil {
		t.Fatal(err)
	}
	until(t, "answers of a stopped", func() bool { return quiet(there) })
	if err := b.Cut("eth1"); err != nil { // the other probe counts too
		t.Fatal(err)
	}
	before := in(a)
	until(t, "questions still reach a", func() bool { return in(a) != before })
	if err := a.Mend(); err != nil {
		t.Fatal(err)
	}
	until(t, "mended after outbound", func() bool { return answers(there) })

	if err := a.CutOneWay(Inbound, "eth0"); err != nil {
		t.Fatal(err)
	}
	until(t, "questions to a stopped", func() bool { return quiet(there) })
	until(t, "nothing reaches a", func() bool {
		x := in(a)
		time.Sleep(60 * time.Millisecond)
		return in(a) == x
	})
	back, err := a.NewProbe(netip.MustParseAddr(public+"2"), 5*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	defer back.Stop()
	before = in(b)
	until(t, "questions of a still reach b", func() bool { return in(b) != before })
	if !back.LastReply().IsZero() {
		t.Error("an answer came in through the cut")
	}
	if err := a.Mend(); err != nil {
		t.Fatal(err)
	}
	until(t, "mended after inbound", func() bool { return answers(there) })
}

func TestSampler(t *testing.T) {
	l, a, b := pair(t)
	vip := netip.MustParseAddr(public + "205")
	s := l.NewSampler(vip, time.Millisecond)
	defer s.Stop()
	wait := func(want ...string) time.Time {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		at, err := s.Wait(ctx, func(o []string) bool { return slices.Equal(o, want) })
		if err != nil {
			t.Fatalf("owners stay %v, want %v", s.Owners(), want)
		}
		return at
	}
	begin := time.Now()
	sh(t, a, "ip addr add "+public+"205/24 dev eth0")
	wait("a")
	sh(t, b, "ip addr add "+public+"205/32 dev eth0")
	two := wait("a", "b")
	sh(t, a, "ip addr del "+public+"205/24 dev eth0")
	one := wait("b")
	sh(t, b, "ip addr del "+public+"205/32 dev eth0")
	wait()
	s.Stop()
	if got := s.Double(begin, time.Now()); got != one.Sub(two) {
		t.Errorf("two owners for %v, want %v", got, one.Sub(two))
	}
	if got := s.Double(one, time.Now()); got != 0 {
		t.Errorf("two owners for %v after the end of it", got)
	}
	var seen []string
	for _, c := range s.History() {
		seen = append(seen, strings.Join(c.Owners, "+"))
	}
	if got := strings.Join(seen, " "); got != " a a+b b " {
		t.Errorf("history %q", got)
	}
	if n, gap := s.Quality(); n < 4 || gap <= 0 {
		t.Errorf("%d samples, longest gap %v", n, gap)
	}
}

func TestProbeOutage(t *testing.T) {
	_, a, b := pair(t)
	p, err := b.NewProbe(netip.MustParseAddr(public+"1"), 2*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stop()
	until(t, "an answer", func() bool { return !p.LastReply().IsZero() })
	from := time.Now()
	if err := a.Cut("eth0"); err != nil {
		t.Fatal(err)
	}
	cut := time.Now()
	until(t, "silence", func() bool { return time.Since(p.LastReply()) > 200*time.Millisecond })
	if _, _, ok := p.Outage(from, time.Now()); ok {
		t.Error("an outage that goes on is reported as over")
	}
	if err := a.Mend("eth0"); err != nil {
		t.Fatal(err)
	}
	mended := time.Now()
	until(t, "an answer again", func() bool { return p.LastReply().After(mended) })
	begin, end, ok := p.Outage(from, time.Now())
	if !ok || begin.After(cut) || end.Before(mended.Add(-50*time.Millisecond)) || end.Sub(begin) < 200*time.Millisecond {
		t.Errorf("outage %v..%v (%v), ok %v; the cut lasted from %v to %v", begin, end, end.Sub(begin), ok, cut, mended)
	}
	quiet := time.Now()
	until(t, "more answers", func() bool { return p.LastReply().After(quiet.Add(50 * time.Millisecond)) })
	if begin, end, ok := p.Outage(quiet, quiet.Add(50*time.Millisecond)); !ok || end.Sub(begin) > 40*time.Millisecond {
		t.Errorf("in quiet time an outage of %v, ok %v", end.Sub(begin), ok)
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	temp := t.TempDir()
	l, err := New(Options{Segments: []string{"public"}, TempDir: temp})
	if err != nil {
		t.Fatal(err)
	}
	n, err := l.AddNode(Spec{Name: "a", Links: []Link{{Name: "eth0", Segment: "public", Addr: netip.MustParsePrefix(public + "1/24")}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Start("sleep", "1000"); err != nil {
		t.Fatal(err)
	}
	pid := n.machine().cmd.Process.Pid
	mounts, _ := os.ReadFile("/proc/self/mountinfo")
	if bytes.Contains(mounts, []byte(l.Dir())) {
		t.Error("a mount of the node shows outside")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
	if err := syscall.Kill(pid, 0); err != syscall.ESRCH {
		t.Errorf("process %d is left: %v", pid, err)
	}
	if left, _ := os.ReadDir(temp); len(left) != 0 {
		t.Errorf("left in the temporary directory: %v", left)
	}
	if _, err := l.AddNode(Spec{Name: "b"}); !errors.Is(err, ErrClosed) {
		t.Errorf("AddNode after Close: %v", err)
	}
}

func TestKeep(t *testing.T) {
	l, err := New(Options{Segments: []string{"public"}, TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.AddNode(Spec{Name: "a"}); err != nil {
		t.Fatal(err)
	}
	kept := l.Keep()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(kept, "a", "console.log")); err != nil {
		t.Error(err)
	}
}

// TestKilledLab kills a program that has a lab: its nodes die with it, and the
// next lab removes the directory it left.
func TestKilledLab(t *testing.T) {
	if dir := os.Getenv("QUORATE_LAB_TEST_VICTIM"); dir != "" {
		l, err := New(Options{Segments: []string{"public"}, TempDir: dir})
		if err != nil {
			t.Fatal(err)
		}
		n, err := l.AddNode(Spec{Name: "a"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := n.Start("sleep", "1000"); err != nil {
			t.Fatal(err)
		}
		fmt.Printf("pid %d\n", n.machine().cmd.Process.Pid)
		select {}
	}
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^TestKilledLab$", "-test.v")
	cmd.Env = append(os.Environ(), "QUORATE_LAB_TEST_VICTIM="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	for line := ""; pid == 0; {
		b := make([]byte, 1)
		if _, err := io.ReadFull(out, b); err != nil {
			t.Fatalf("the program with the lab ended early: %v", err)
		}
		if line += string(b); b[0] == '\n' {
			fmt.Sscanf(line, "pid %d", &pid)
			line = ""
		}
	}
	cmd.Process.Kill()
	cmd.Wait()
	until(t, "the node's first process gone", func() bool { return syscall.Kill(pid, 0) == syscall.ESRCH })
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Fatalf("the killed program left %v, want its directory", left)
	}
	l, err := New(Options{Segments: []string{"public"}, TempDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if left, _ := os.ReadDir(dir); len(left) != 1 || filepath.Join(dir, left[0].Name()) != l.Dir() {
		t.Errorf("the dead lab's directory is still there: %v", left)
	}
}

// TestWithoutRoot runs the tests of this package once more as an account that
// has no right at all.
func TestWithoutRoot(t *testing.T) {
	if os.Getuid() != 0 || os.Getenv(entered) != "" {
		t.Skip("SKIPPED: this run has no root to give up; it is the run without root itself")
	}
	if testing.Short() {
		t.Skip("SKIPPED: -short")
	}
	dir, err := os.MkdirTemp("", "quorate-lab-test-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	const nobody = 65534
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(dir, "lab.test")
	b, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{os.WriteFile(bin, b, 0o755), os.Mkdir(filepath.Join(dir, "tmp"), 0o755),
		os.Chown(filepath.Join(dir, "tmp"), nobody, nobody), os.Chmod(dir, 0o755)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(bin, "-test.v")
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + filepath.Join(dir, "tmp"), asNobody + "=1"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	var ee *exec.ExitError
	if errors.As(err, &ee) && ee.ExitCode() == 77 {
		t.Skipf("SKIPPED: %s", out)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !bytes.Contains(out, []byte("--- PASS: TestCrashAndBoot")) {
		t.Errorf("the run without root did not run the tests:\n%s", out)
	}
}

// forbid marks a run of these tests that forbids user namespaces to itself.
const forbid = "QUORATE_LAB_TEST_FORBID"

// forbidNamespaces runs as root of a user namespace: it sets the limit to 0 and
// runs the tests once more, as an account without rights.
func forbidNamespaces() int {
	if err := os.WriteFile("/proc/sys/user/max_user_namespaces", []byte("0"), 0o644); err != nil {
		fmt.Println(err)
		return 1
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{asNobody + "=1"}
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1, Gid: 1, NoSetGroups: true}}
	err := cmd.Run()
	var ee *exec.ExitError
	if errors.As(err, &ee) {
		return ee.ExitCode()
	}
	return 0
}

// TestForbidden lets the kernel forbid user namespaces, and reads the sentence.
func TestForbidden(t *testing.T) {
	if os.Getuid() != 0 || os.Getenv(entered) != "" {
		t.Skip("SKIPPED: it takes root to become an account without rights")
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{forbid + "=1"}
	ids := func(outside int) []syscall.SysProcIDMap {
		return []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}, {ContainerID: 1, HostID: outside, Size: 1}}
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: ids(65534), GidMappings: ids(65534)}
	out, err := cmd.CombinedOutput()
	if len(out) == 0 {
		t.Skipf("SKIPPED: no user namespace to forbid something in: %v", err)
	}
	var ee *exec.ExitError
	if !errors.As(err, &ee) || ee.ExitCode() != 77 || !strings.Contains(string(out), "set user.max_user_namespaces above 0 by sysctl, or run it as root") {
		t.Errorf("%v: %s", err, out)
	}
}

// BenchmarkSample is the cost of one look at all nodes.
func BenchmarkSample(b *testing.B) {
	l, err := New(Options{Segments: []string{"public"}, TempDir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	for i := range 3 {
		if _, err := l.AddNode(Spec{Name: fmt.Sprint("n", i), Links: []Link{{Name: "eth0", Segment: "public",
			Addr: netip.MustParsePrefix(fmt.Sprintf("%s%d/24", public, i+1))}}}); err != nil {
			b.Fatal(err)
		}
	}
	vip := netip.MustParseAddr(public + "205")
	b.ReportAllocs()
	for b.Loop() {
		l.Sample(vip)
	}
}
