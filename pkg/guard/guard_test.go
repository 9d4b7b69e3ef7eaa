package guard

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/quorate/quorate/ccm"
	"github.com/quorate/quorate/lrm"
)

// TestMain plays the guard's own process, and a mount namespace of its own for
// the rest: nothing here may touch the machine. Resets go to a file, always.
func TestMain(m *testing.M) {
	if os.Getenv(ResetFile) == "" {
		os.Setenv(ResetFile, "/dev/null")
	}
	if len(os.Args) > 1 && os.Args[1] == Command {
		os.Exit(Main(os.Args[2:], slog.New(slog.NewTextHandler(os.Stderr, nil))))
	}
	os.Exit(m.Run())
}

const (
	testLease = 400 * time.Millisecond
	testBound = 600 * time.Millisecond
)

// journal writes what an earlier daemon of this boot had active.
func journal(t *testing.T, runDir string, ops ...lrm.Op) {
	t.Helper()
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.Encode(map[string]any{"boot": strings.TrimSpace(string(boot))})
	for _, op := range ops {
		enc.Encode(map[string]any{"active": op.Resource, "op": op})
	}
	file := lrm.JournalFile(filepath.Join(runDir, ResourceDir))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

func dummyOp(name string) lrm.Op {
	return lrm.Op{Resource: name, Class: "ocf", Provider: "quorate", Type: "Dummy", Name: "start"}
}

// stubborn is a resource whose agent does not exist: nobody can stop it.
var stubborn = lrm.Op{Resource: "stubborn", Class: "ocf", Provider: "none", Type: "None", Name: "start"}

// waitFor polls for a state.
func waitFor(t *testing.T, what string, look func() bool) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); !look(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not reached", what)
		}
	}
}

func text(file string) string {
	b, _ := os.ReadFile(file)
	return string(b)
}

func startTest(t *testing.T, o Options) *Guard {
	t.Helper()
	if o.RunDir == "" {
		o.RunDir = t.TempDir()
	}
	o.Lease, o.Fresh = testLease, 100*time.Millisecond
	if o.Bound == 0 {
		o.Bound = testBound
	}
	if o.ErrOut == nil {
		o.ErrOut = io.Discard
	}
	o.Logger = slog.New(slog.NewTextHandler(o.ErrOut, nil))
	g, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	// Never this process: the guard kills the daemon it is told.
	g.State.p.pid.Store(1 << 30)
	return g
}

// A daemon that does not begin to release is taken for hung at half of the
// bound; what no agent can stop resets the node, and not before.
func TestResetWhatCannotBeStopped(t *testing.T) {
	run, file := t.TempDir(), filepath.Join(t.TempDir(), "reset")
	t.Setenv(ResetFile, file)
	journal(t, run, stubborn, dummyOp("easy"))
	log := logFile(t)
	const bound = 2 * time.Second // the killed daemon never dies: that takes 200 ms
	g := startTest(t, Options{RunDir: run, ErrOut: log, Bound: bound})
	stop := ccm.Boottime() + int64(testLease)
	g.SetLease(stop)
	waitFor(t, "the reset", func() bool { return text(file) != "" })
	if late := time.Duration(ccm.Boottime() - stop); late < bound/2 {
		t.Errorf("reset %v after the end of the lease, want at least half of the bound %v", late, bound)
	}
	if got := text(file); !strings.Contains(got, "reset: stubborn cannot be stopped") || strings.Contains(got, "easy") {
		t.Errorf("reset says %q\n%s", got, text(log.Name()))
	}
	if !strings.Contains(text(log.Name()), "has not released") || !strings.Contains(text(log.Name()), "easy: stopped") {
		t.Errorf("the guard said %s", text(log.Name()))
	}
	g.State.Goodbye()
	g.Stop()
	// The next daemon tells what was cut and why, once.
	cuts := TakeCuts(run)
	if len(cuts) == 0 || !strings.HasPrefix(cuts[0].String(), "stubborn was not released in time by the guard at ") || !strings.Contains(cuts[0].Reason, "nothing built in can take it away by force") {
		t.Errorf("the next daemon is told %v", cuts)
	}
	if cuts := TakeCuts(run); cuts != nil {
		t.Errorf("told again: %v", cuts)
	}
}

// Under the policy demote the guard leaves alone what is not promoted, takes the
// rest, and needs no reset for what stays.
func TestGuardLeavesTheUnpromoted(t *testing.T) {
	run, file := t.TempDir(), filepath.Join(t.TempDir(), "reset")
	t.Setenv(ResetFile, file)
	log := logFile(t)
	g := startTest(t, Options{RunDir: run, ErrOut: log})
	if err := g.Instruct(Instructions{Demote: []string{"stubborn", "easy"}}); err != nil {
		t.Fatal(err)
	}
	journal(t, run, stubborn, dummyOp("other"))
	g.SetLease(ccm.Boottime() + int64(10*time.Millisecond))
	waitFor(t, "the release", func() bool { return strings.Contains(text(log.Name()), "the guard is done") })
	if got := text(file); got != "" || !strings.Contains(text(log.Name()), "other: stopped") {
		t.Errorf("reset: %q\n%s", got, text(log.Name()))
	}
	left, err := lrm.ReadJournal(lrm.JournalFile(filepath.Join(run, ResourceDir)))
	if err != nil || len(left) != 1 || left[0].Op.Resource != "stubborn" {
		t.Errorf("left: %+v %v", left, err)
	}
	g.State.Goodbye()
	g.Stop()
}

// A daemon that renews its lease in time, or has begun to release, is left alone.
func TestGuardLeavesAGoodDaemonAlone(t *testing.T) {
	run, file := t.TempDir(), filepath.Join(t.TempDir(), "reset")
	t.Setenv(ResetFile, file)
	journal(t, run, stubborn)
	g := startTest(t, Options{RunDir: run})
	for end := time.Now().Add(2 * (testLease + testBound)); time.Now().Before(end); time.Sleep(testLease / 4) {
		g.SetLease(ccm.Boottime() + int64(testLease))
	}
	g.SetLease(ccm.Boottime())
	g.State.Begun(g.State.Stop())
	journal(t, run) // released in time
	time.Sleep(2 * testBound)
	if got := text(file); got != "" {
		t.Errorf("reset: %q", got)
	}
	g.State.Goodbye()
	g.Stop()
}

// What the administrator has taken out of the cluster's hands stays.
func TestUnmanagedStays(t *testing.T) {
	run, file := t.TempDir(), filepath.Join(t.TempDir(), "reset")
	t.Setenv(ResetFile, file)
	log := logFile(t)
	g := startTest(t, Options{RunDir: run, ErrOut: log})
	if err := g.Instruct(Instructions{Keep: []string{"stubborn"}}); err != nil {
		t.Fatal(err)
	}
	journal(t, run, stubborn, dummyOp("easy"))
	g.SetLease(ccm.Boottime() + int64(10*time.Millisecond))
	waitFor(t, "the release", func() bool { return strings.Contains(text(log.Name()), "the guard is done") })
	if got := text(file); got != "" {
		t.Errorf("reset: %q", got)
	}
	g.Stop()
}

// A guard that is stopped is noticed by the next confirmation of the lease and
// replaced; the status says so meanwhile.
func TestStoppedGuardIsReplaced(t *testing.T) {
	run := t.TempDir()
	g := startTest(t, Options{RunDir: run})
	waitFor(t, "a guard", func() bool { return lockHolder(run) != 0 })
	first := lockHolder(run)
	if err := syscall.Kill(first, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	said := ""
	waitFor(t, "another guard", func() bool {
		if why := g.Missing(); why != "" {
			said = why
		}
		g.SetLease(ccm.Boottime() + int64(testLease))
		pid := lockHolder(run)
		return pid != 0 && pid != first
	})
	if !strings.Contains(said, "the guard has not looked") && !strings.Contains(said, "the guard has ended") {
		t.Errorf("meanwhile the status said %q", said)
	}
	waitFor(t, "the status in order again", func() bool {
		g.SetLease(ccm.Boottime() + int64(testLease))
		return g.Missing() == ""
	})
	g.State.Goodbye()
	g.Stop()
}

// The watchdog is petted with each fresh confirmation, not without, and closed
// with the magic character when nothing is left. The kernel here has none: a
// regular file stands in for the device.
func TestWatchdogIsPettedWhileTheLeaseHolds(t *testing.T) {
	t.Setenv(StandIn, "1")
	t.Log("there is no watchdog in this kernel: a regular file stands in for the device")
	run, file := t.TempDir(), filepath.Join(t.TempDir(), "watchdog")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w, err := OpenWatchdog(file, 300*time.Millisecond, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	journal(t, run, dummyOp("web"))
	g := startTest(t, Options{RunDir: run, Watchdog: w})
	g.State.Begun(1) // so that the daemon counts as at work below
	renew := func(d time.Duration) {
		for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			g.SetLease(ccm.Boottime() + int64(testLease))
		}
	}
	waitFor(t, "the first pet", func() bool { renew(50 * time.Millisecond); return text(file) != "" })
	before := len(text(file))
	renew(time.Second)
	if n := len(text(file)) - before; n < 5 || n > 12 {
		t.Errorf("%d pets in a second, every 100 ms are wanted", n)
	}
	// Stale confirmations: the lease is valid, its base is old.
	before = len(text(file))
	stale := ccm.Boottime() + int64(testLease)
	for end := time.Now().Add(testLease - 50*time.Millisecond); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		g.SetLease(stale)
	}
	if n := len(text(file)) - before; n > 1 {
		t.Errorf("%d pets without a fresh confirmation", n)
	}
	waitFor(t, "the release after the end of the lease and the magic close", func() bool { return strings.HasSuffix(text(file), "V") })
	if rest := text(file)[before:]; strings.Count(rest, ".") > 1 {
		t.Errorf("after the last confirmation it got %q", rest)
	}
	g.Stop()
}

// What does not let go is not petted for.
func TestWatchdogIsNotPettedForWhatStays(t *testing.T) {
	t.Setenv(StandIn, "1")
	t.Log("there is no watchdog in this kernel: a regular file stands in for the device")
	run, dir := t.TempDir(), t.TempDir()
	file, reset := filepath.Join(dir, "watchdog"), filepath.Join(dir, "reset")
	t.Setenv(ResetFile, reset)
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w, err := OpenWatchdog(file, 150*time.Millisecond, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	journal(t, run, stubborn)
	g := startTest(t, Options{RunDir: run, Watchdog: w})
	g.SetLease(ccm.Boottime() + int64(testLease))
	waitFor(t, "the reset", func() bool { return text(reset) != "" })
	if got := text(file); strings.Contains(got, "V") {
		t.Errorf("the device was closed in order: %q", got)
	}
	g.Stop()
}

// Asked for and not there, also after the driver was loaded: refused with the
// remedy. No module is loaded here: the command is replaced.
func TestWatchdogRefused(t *testing.T) {
	defer func(f func(context.Context) error) { loadDriver = f }(loadDriver)
	loaded := 0
	loadDriver = func(context.Context) error { loaded++; return errors.New("modprobe softdog: no such module") }
	dir := t.TempDir()
	open := func(name string) error {
		_, err := OpenWatchdog(filepath.Join(dir, name), time.Second, slog.New(slog.DiscardHandler))
		return err
	}
	err := open("watchdog")
	if loaded != 1 || !errors.Is(err, ErrWatchdog) {
		t.Fatalf("loaded %d times, %v", loaded, err)
	}
	for _, want := range []string{"watchdog: no such file or directory, also after modprobe softdog: no such module", "--no-watchdog", "ha.cf"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nlacks %q", err, want)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := open("file"); !errors.Is(err, ErrWatchdog) || !strings.Contains(err.Error(), "it is no watchdog device") {
		t.Errorf("a file that is no device: %v", err)
	}
	// It is there once the driver is loaded.
	t.Setenv(StandIn, "1")
	loadDriver = func(context.Context) error { return os.WriteFile(filepath.Join(dir, "late"), nil, 0o600) }
	if err := open("late"); err != nil {
		t.Error(err)
	}
}

// An FIFO will do for a test that watches.
func TestResetTells(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(ResetFile, fifo)
	r := Resets(nil)
	if len(r) != 1 {
		t.Fatalf("%d ways to reset", len(r))
	}
	if err := r[0].Reset("why"); err == nil {
		t.Error("nobody reads, and no error")
	}
	f, err := os.OpenFile(fifo, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := r[0].Reset("why"); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 100)
	n, _ := f.Read(b)
	if got := string(b[:n]); got != "reset: why\n" {
		t.Errorf("told %q", got)
	}
}

// Without a test that watches, a container has no way to reset the machine.
func TestNoResetInAContainer(t *testing.T) {
	t.Setenv(ResetFile, "")
	ns, _ := os.Readlink("/proc/self/ns/pid")
	for _, r := range Resets(nil) {
		if ns != firstPIDNamespace {
			t.Errorf("%s resets the machine below %s", r.Name(), ns)
		}
	}
	if err := sysrqAllowed(); err != nil {
		t.Logf("sysrq is not allowed here: %v", err)
	}
}

// What the guard and its daemon share has one layout.
// No moment at which the guard must look is slept over: not the limit when the
// work of the look before it took longer than there was time, and not the end
// of a lease that begins while there is none.
func TestDue(t *testing.T) {
	st, f, err := newState()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	defer st.close()
	ms := int64(time.Millisecond)
	stop, bound := 1000*ms, 90*ms
	st.p.lease.Store(195 * ms)
	st.p.bound.Store(bound)
	st.p.stop.Store(stop)
	p := &process{state: st, looked: 900 * ms}
	for _, step := range []struct {
		what              string
		looked, now, want int64
	}{
		{"before the end", 900 * ms, 901 * ms, 1001 * ms},
		{"before the patience is over", 1000 * ms, 1001 * ms, 1060 * ms},
		{"before the limit", 1060 * ms, 1062 * ms, 1090 * ms},
		{"the look before the limit took until after it", 1060 * ms, 1095 * ms, 1095 * ms},
		{"looked after the limit", 1091 * ms, 1092 * ms, 1192 * ms},
	} {
		p.looked = step.looked
		if got := p.due(step.now); got != step.want {
			t.Errorf("%s: due at %d ms, want %d ms", step.what, got/ms, step.want/ms)
		}
	}
	st.p.stop.Store(0)
	if got := p.due(2000 * ms); got-2000*ms > 195*ms {
		t.Errorf("without a lease the next look is after %d ms: one could begin and end before", got/ms-2000)
	}
}

func TestLayout(t *testing.T) {
	st, f, err := newState()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := st.checkLayout(); err != nil {
		t.Error(err)
	}
	st.p.layout.Store(1)
	if err := st.checkLayout(); err == nil || !strings.Contains(err.Error(), "another version") {
		t.Errorf("%v", err)
	}
}

// What the guard uses of the machine.
func TestGuardIsSmall(t *testing.T) {
	run := t.TempDir()
	g := startTest(t, Options{RunDir: run, Priority: 1})
	waitFor(t, "a guard that looks", func() bool { return lockHolder(run) != 0 && g.State.silence() < time.Second })
	status := text(fmt.Sprintf("/proc/%d/status", lockHolder(run)))
	kb := func(field string) (n int) {
		for line := range strings.Lines(status) {
			if v, ok := strings.CutPrefix(line, field+":"); ok {
				fmt.Sscan(v, &n)
			}
		}
		return n
	}
	t.Logf("RSS %d kB, locked %d kB", kb("VmRSS"), kb("VmLck"))
	if rss := kb("VmRSS"); rss == 0 || rss > 15<<10 {
		t.Errorf("RSS %d kB", rss)
	}
	if kb("VmLck") == 0 && os.Geteuid() == 0 {
		t.Error("no memory is locked")
	}
	g.State.Goodbye()
	g.Stop()
}

// logFile takes what the guard and its owner say.
func logFile(t *testing.T) *os.File {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(t.TempDir(), "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// A daemon that is merely late and holds nothing but addresses is not killed:
// they are taken away from under it, and it is told.
func TestLateDaemonLosesItsAddresses(t *testing.T) {
	run := t.TempDir()
	log := logFile(t)
	vip := lrm.Op{Resource: "vip", Class: "ocf", Provider: "heartbeat", Type: "IPaddr", Name: "start", Params: map[string]string{"ip": "198.51.100.77"}}
	journal(t, run, vip)
	g := startTest(t, Options{RunDir: run, ErrOut: log})
	stop := ccm.Boottime() + int64(testLease)
	g.SetLease(stop)
	waitFor(t, "the cut", func() bool { return g.State.Cut() == stop })
	if late := time.Duration(ccm.Boottime() - stop); late < testBound {
		t.Errorf("taken away %v after the end of the lease, want the bound %v", late, testBound)
	}
	g.SetLease(ccm.Boottime() + int64(testLease))
	select {
	case <-g.Cut:
	default:
		t.Error("the daemon is not told")
	}
	if strings.Contains(text(log.Name()), "it is killed") {
		t.Errorf("the guard said %s", text(log.Name()))
	}
	journal(t, run)
	g.State.Goodbye()
	g.Stop()
}

// A daemon that begins while the guard of the one before it still has something to
// release takes its time over: addresses are gone when that guard would have had
// them gone, whatever else hangs.
func TestBeginningDaemonKeepsTheLimit(t *testing.T) {
	run, log := t.TempDir(), logFile(t)
	logger := slog.New(slog.NewTextHandler(log, nil))
	if limit, err := Retire(run); err != nil || limit != 0 {
		t.Fatalf("without a guard the limit is %d, %v", limit, err)
	}
	g := startTest(t, Options{RunDir: run, ErrOut: log})
	waitFor(t, "a guard", func() bool { return lockHolder(run) != 0 })
	stop := ccm.Boottime() + int64(time.Hour)
	g.SetLease(stop)
	g.Handover() // nobody replaces the guard that is ended
	limit, err := Retire(run)
	if err != nil || limit != stop+int64(testBound) {
		t.Fatalf("the limit is %d, %v; want %d", limit, err, stop+int64(testBound))
	}

	vip := lrm.Op{Resource: "vip", Class: "ocf", Provider: "heartbeat", Type: "IPaddr", Name: "start", Params: map[string]string{"ip": "198.51.100.78"}}
	slow := dummyOp("slow")
	slow.Params = map[string]string{"op_sleep": "60"}
	for _, late := range []time.Duration{200 * time.Millisecond, -time.Second} {
		journal(t, run, vip, slow)
		begun := time.Now()
		ReleaseLeftovers(run, ccm.Boottime()+int64(late), 2*time.Second, logger)
		i := slices.IndexFunc(TakeCuts(run), func(c Cut) bool {
			return c.Resource == "vip" && c.How == lrm.ReleasedByForce && !c.At.Before(begun) && c.At.Sub(begun) < time.Second
		})
		if i < 0 {
			t.Errorf("limit in %v: the address was not taken away by then\n%s", late, text(log.Name()))
		}
	}
}
