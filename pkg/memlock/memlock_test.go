package memlock

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const childEnv = "QUORATE_MEMLOCK_TEST"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Exit(child())
	}
	os.Exit(m.Run())
}

// status returns a line of /proc/self/status in kB.
func status(name string) int {
	b, _ := os.ReadFile("/proc/self/status")
	_, rest, _ := strings.Cut(string(b), name+":")
	n, _ := strconv.Atoi(strings.Fields(rest)[0])
	return n
}

// child locks itself and goes on working.
func child() int {
	before := status("RssFile")
	Shed()
	if err := Lock(); err != nil {
		if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOMEM) {
			os.Stdout.WriteString("forbidden: " + err.Error())
			return 0
		}
		os.Stdout.WriteString(err.Error())
		return 1
	}
	after, locked := status("RssFile"), status("VmLck")
	if locked == 0 || after >= before {
		os.Stdout.WriteString("locked " + strconv.Itoa(locked) + " kB; pages of files: " + strconv.Itoa(before) + " kB before, " + strconv.Itoa(after) + " kB after")
		return 1
	}
	for range 100 { // memory comes and goes as before
		b := bytes.Repeat([]byte{1}, 1<<20)
		if b[len(b)-1] != 1 {
			return 1
		}
	}
	return 0
}

// TestLock: a process locks itself, gets smaller by it, and goes on.
func TestLock(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childEnv+"=1")
	out, err := cmd.CombinedOutput()
	if strings.HasPrefix(string(out), "forbidden") {
		t.Skipf("SKIPPED: memory cannot be locked here: %s", out)
	}
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}
