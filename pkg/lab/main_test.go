package lab

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
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
