package realtime

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// inner makes the test binary a process of its own for one test: the class
// belongs to a process.
const inner = "QUORATE_TEST_REALTIME"

func TestMain(m *testing.M) {
	if what := os.Getenv(inner); what != "" {
		if err := scenes[what](); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

var scenes = map[string]func() error{
	"threads": threads, "traced": func() error { return children(true) }, "reset": func() error { return children(false) },
	"relax": relaxes, "signals": signals,
}

// play runs a scene in a process of its own.
func play(t *testing.T, scene string) {
	t.Helper()
	var a unix.SchedAttr
	a.Size, a.Policy, a.Priority = unix.SizeofSchedAttr, unix.SCHED_RR, 1
	if done := make(chan error); func() bool {
		go func() {
			runtime.LockOSThread() // the thread ends with its class
			done <- unix.SchedSetAttr(0, &a, 0)
		}()
		return errors.Is(<-done, unix.EPERM)
	}() {
		t.Skip("SKIPPED: no right to the real-time class here (CAP_SYS_NICE)")
	}
	c := exec.Command("/proc/self/exe")
	c.Env = append(os.Environ(), inner+"="+scene)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// policies returns how many threads of a process have which policy and priority.
func policies(pid int) (map[string]int, error) {
	out := map[string]int{}
	list, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return nil, err
	}
	for _, e := range list {
		var tid int
		fmt.Sscan(e.Name(), &tid)
		a, err := unix.SchedGetAttr(tid, 0)
		if errors.Is(err, unix.ESRCH) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out[fmt.Sprintf("%d/%d", a.Policy, a.Priority)]++
	}
	return out, nil
}

// expect checks that every thread of this process has one policy and priority.
func expect(want string) error {
	got, err := policies(os.Getpid())
	if err == nil && (len(got) != 1 || got[want] == 0) {
		err = fmt.Errorf("threads by policy and priority: %v, all should be %s", got, want)
	}
	return err
}

// threads: all threads get the class, those made later too, and all lose it.
func threads() error {
	if err := Enter(7); err != nil {
		return err
	}
	var wg sync.WaitGroup
	hold := make(chan struct{})
	before, err := policies(os.Getpid())
	if err != nil {
		return err
	}
	for range 20 {
		up := make(chan struct{})
		wg.Go(func() {
			runtime.LockOSThread()
			close(up)
			<-hold
		})
		<-up
	}
	after, err := policies(os.Getpid())
	if err != nil {
		return err
	}
	if after["2/7"] < before["2/7"]+10 {
		return fmt.Errorf("no new threads: %v, then %v", before, after)
	}
	if err := expect("2/7"); err != nil {
		return err
	}
	if Priority() != 7 || Class() != "real-time (SCHED_RR 7)" {
		return errors.New(Class())
	}
	close(hold)
	wg.Wait()
	if err := Enter(0); err != nil {
		return err
	}
	return expect("0/0")
}

func TestEveryThread(t *testing.T) { play(t, "threads") }

// children: no program inherits the class, however it is started, nor what it
// starts itself; while many are started at once.
func children(traced bool) error {
	if err := Enter(3); err != nil {
		return err
	}
	ready := make(chan bool)
	process.spawn.todo <- func() {
		was := process.spawn.traced
		process.spawn.traced = traced
		ready <- was
	}
	if can := <-ready; traced && !can {
		fmt.Println("SKIPPED: tracing is forbidden here")
		return nil
	}
	var wg sync.WaitGroup
	errs := make(chan error, 100)
	for range 20 {
		wg.Go(func() {
			var out bytes.Buffer
			// Field 41 of stat is the policy, 40 the priority; the second is a child's.
			c := exec.Command("sh", "-c", "cut -d' ' -f40,41 /proc/$$/stat; (cut -d' ' -f40,41 /proc/self/stat)")
			c.Stdout = &out
			c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			if err := Run(c); err != nil {
				errs <- err
			} else if out.String() != "0 0\n0 0\n" {
				errs <- fmt.Errorf("priority and policy of a program and its child: %q", out.String())
			}
		})
	}
	wg.Wait()
	close(errs)
	if err := <-errs; err != nil {
		return err
	}
	err := Run(exec.Command("/nowhere/at/all"))
	if !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("a program that does not exist: %v", err)
	}
	err = Run(exec.Command("sh", "-c", "exit 3"))
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 3 {
		return fmt.Errorf("exit 3: %v", err)
	}
	return expect("2/3")
}

func TestProgramsAreOrdinary(t *testing.T) {
	t.Run("traced", func(t *testing.T) { play(t, "traced") })
	t.Run("where tracing is forbidden", func(t *testing.T) { play(t, "reset") })
}

// signals: a program that was stopped at its exec takes signals and stops as any.
func signals() error {
	if err := Enter(1); err != nil {
		return err
	}
	c := exec.Command("sh", "-c", "trap 'exit 5' TERM; echo ready; while :; do sleep 0.01; done")
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	c.Stdout = w
	if err := Start(c); err != nil {
		return err
	}
	if _, err := r.Read(make([]byte, 10)); err != nil {
		return err
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.Process.Pid))
	if err != nil || !strings.Contains(string(status), "TracerPid:\t0\n") {
		return fmt.Errorf("it is still traced: %v", err)
	}
	for _, sig := range []syscall.Signal{syscall.SIGSTOP, syscall.SIGCONT, syscall.SIGTERM} {
		if err := c.Process.Signal(sig); err != nil {
			return err
		}
	}
	var exit *exec.ExitError
	if err := c.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 5 {
		return fmt.Errorf("after SIGTERM: %v", err)
	}
	return nil
}

func TestSignals(t *testing.T) { play(t, "signals") }

// relaxes: while anybody computes the process is in the normal class, and
// programs have no nice value of ours.
func relaxes() error {
	if err := Enter(2); err != nil {
		return err
	}
	var inside error
	Relax(func() {
		Relax(func() {})
		inside = expect("0/0")
		out, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/stat", syscall.Gettid()))
		if f := strings.Fields(string(out)); err != nil || len(f) < 19 || f[18] != "-20" {
			inside = errors.Join(inside, fmt.Errorf("nice value: %q %v", out, err))
		}
		var nice bytes.Buffer
		c := exec.Command("nice")
		c.Stdout = &nice
		if err := Run(c); err != nil || nice.String() != "0\n" {
			inside = errors.Join(inside, fmt.Errorf("nice of a program: %q %v", nice.String(), err))
		}
	})
	return errors.Join(inside, expect("2/2"))
}

func TestRelax(t *testing.T) { play(t, "relax") }

// TestRefused: where the kernel refuses, the error says so and all goes on.
func TestRefused(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: only root can give a right away")
	}
	dir := t.TempDir()
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "test")
	if err := os.WriteFile(file, self, 0o755); err != nil || os.Chmod(dir, 0o755) != nil || os.Chmod(filepath.Dir(dir), 0o755) != nil {
		t.Fatal(err)
	}
	c := exec.Command(file)
	c.Env = []string{inner + "=refused", "PATH=" + os.Getenv("PATH")}
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func init() {
	scenes["refused"] = func() error {
		err := Enter(1)
		if !errors.Is(err, unix.EPERM) {
			return fmt.Errorf("Enter: %v", err)
		}
		ran := false
		Relax(func() { ran = true })
		if !ran || Priority() != 0 || Class() != "normal" {
			return errors.New("it does not go on")
		}
		if err := Run(exec.Command("true")); err != nil {
			return err
		}
		return expect("0/0")
	}
}
